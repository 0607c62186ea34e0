#include "words_mail.h"

#include "core/text.h"

#define LANGUAGE_COUNT 2

static const char *const phrases[PHRASE_COUNT][LANGUAGE_COUNT] = {
    [PHRASE_COLON] = {":", "\u00a0:"}, /* French sets a space before it */
    [PHRASE_ORDER] = {"Order %1", "Commande %1"},
    [PHRASE_SOURCE] = {"Source %1", "Source %1"},
    [PHRASE_SINK] = {"Sink %1", "Destination %1"},
    [PHRASE_TEST] = {"Test", "Essai"},
    [PHRASE_DAYS] = {"%1 d", "%1 j"},
    [PHRASE_FROM_TO] = {"%1 to %2", "du %1 au %2"},
    [PHRASE_WAS] = {"was %1", "prévu %1"},
    [PHRASE_MORE_EVENTS] = {"(+%1 more)", "(+%1)"},
    [PHRASE_BEFORE] = {"before", "avant"},
    [PHRASE_AFTER] = {"now", "maintenant"},
    [PHRASE_NOT_SHOWN] = {"(not shown)", "(non affiché)"},
    [PHRASE_FIRST_PROMISED] = {"First promised", "Première promesse"},
    [PHRASE_MOVES] = {"Moves so far", "Déplacements"},
    [PHRASE_MOVE_TOTAL] = {"%1, in all %2", "%1, au total %2"},
    [PHRASE_BUSINESS_DAYS] = {"In business days", "En jours ouvrés"},
    [PHRASE_LATE_REMINDER] = {"This reminder comes late: it could not be sent at its time.",
                              "Ce rappel arrive en retard\u00a0: il n'a pu partir à son heure."},
    [PHRASE_ORDER_DETAILS] = {"The order", "La commande"},
    [PHRASE_APPOINTMENT_DETAILS] = {"The appointment", "Le rendez-vous"},
    [PHRASE_VISIT] = {"appointment", "rendez-vous"},
    [PHRASE_NOTE_BY] = {"Note by %1, %2", "Note de %1, %2"},
    [PHRASE_STATUS_PAGE] = {"Status page", "Page d'état"},
    [PHRASE_TIMES] = {"Times are those of %1.", "Les heures sont celles de %1."},
    [PHRASE_WHY] = {"You get this mail because %1 leads such events to the sink %2.",
                    "Vous recevez ce courriel car %1 mène ces événements à la destination %2."},
    [PHRASE_WHY_ROUTE] = {"the route '%1'", "la route '%1'"},
    [PHRASE_WHY_SOME_ROUTE] = {"a route", "une route"},
    [PHRASE_SILENCE] = {"To silence such mails, change the routes in %1.",
                        "Pour ne plus en recevoir, modifiez les routes dans %1."},
    [PHRASE_DIGEST] = {"Digest", "Récapitulatif"},
    [PHRASE_CHANGE] = {"%1 change", "%1 changement"},
    [PHRASE_CHANGES] = {"%1 changes", "%1 changements"},
    [PHRASE_ON_ORDER] = {" on %1 order", " sur %1 commande"},
    [PHRASE_ON_ORDERS] = {" on %1 orders", " sur %1 commandes"},
    [PHRASE_CRITICAL] = {"critical: %1", "critiques\u00a0: %1"},
    [PHRASE_WARNING] = {"%1 warning", "%1 alerte"},
    [PHRASE_WARNINGS] = {"%1 warnings", "%1 alertes"},
    [PHRASE_DIGEST_ADVICE] = {"The most urgent come first.",
                              "Les plus urgents viennent en premier."},
    [PHRASE_NO_NET_CHANGE] = {"All is back to what it was.", "Tout est revenu à l'état de départ."},
    [PHRASE_REST_ONE] = {"And one more event, which is not listed here.",
                         "Et un autre événement, qui n'est pas listé ici."},
    [PHRASE_REST] = {"And %1 more events, which are not listed here.",
                     "Et %1 autres événements, qui ne sont pas listés ici."},
    [PHRASE_AS_OF] = {"As of %1", "Situation au %1"},
};

static const char *const advice[EVENT_TYPE_COUNT][LANGUAGE_COUNT] = {
    [EVENT_ORDER_CREATED] = {"Nothing to do: it is being watched from now on.",
                             "Rien à faire\u00a0: elle est suivie à partir de maintenant."},
    [EVENT_ORDER_STATUS_CHANGED] = {"For your information.", "Pour information."},
    [EVENT_ORDER_STATUS_COMPLETED] = {"Check that the service works and plan what follows.",
                                      "Vérifiez que le service fonctionne et planifiez la suite."},
    [EVENT_ORDER_STATUS_CANCELLED] = {"If this is not your doing, call the operator now.",
                                      "Si cela ne vient pas de vous, appelez l'opérateur."},
    [EVENT_ORDER_STATUS_FAILED] = {"Ask the operator for the reason and a new date.",
                                   "Demandez à l'opérateur la raison et une nouvelle date."},
    [EVENT_ORDER_STATUS_HELD] = {"Find out whether the operator waits for something from you.",
                                 "Vérifiez si l'opérateur attend quelque chose de vous."},
    [EVENT_ORDER_STATUS_RESUMED] = {"Check whether the dates still hold.",
                                    "Vérifiez si les dates tiennent toujours."},
    [EVENT_ORDER_STATUS_REVERTED] = {"For your information.", "Pour information."},
    [EVENT_ORDER_DATE_COMMITTED] = {"Plan with this date.", "Planifiez avec cette date."},
    [EVENT_ORDER_DATE_CHANGED] = {"Check whether your planning still fits.",
                                  "Vérifiez que votre planning convient toujours."},
    [EVENT_ORDER_DATE_OVERDUE] = {"Ask the operator for a new date.",
                                  "Demandez une nouvelle date à l'opérateur."},
    [EVENT_ORDER_STALLED] = {"Ask the operator what it is waiting for.",
                             "Demandez à l'opérateur ce qui bloque."},
    [EVENT_ORDER_NOTE_ADDED] = {"Read it: it may ask something of you.",
                                "Lisez-la\u00a0: elle attend peut-être une réponse."},
    [EVENT_ORDER_UPDATED] = {"Check that the new details are right.",
                             "Vérifiez que ces détails sont exacts."},
    [EVENT_ORDER_CLOSED] = {"Nothing to do: it has left the operator's list for good.",
                            "Rien à faire\u00a0: elle a quitté la liste de l'opérateur."},
    [EVENT_ORDER_DISAPPEARED] =
        {"Ask the operator: its list no longer has it, without a reason.",
         "Interrogez l'opérateur\u00a0: sa liste ne l'a plus, sans raison."},
    [EVENT_ORDER_REAPPEARED] = {"Check its dates: it is being watched again.",
                                "Vérifiez ses dates\u00a0: elle est à nouveau suivie."},
    [EVENT_APPOINTMENT_CREATED] = {"Make sure that somebody is on site.",
                                   "Assurez-vous que quelqu'un sera sur place."},
    [EVENT_APPOINTMENT_CONFIRMED] = {"Make sure that somebody is on site.",
                                     "Assurez-vous que quelqu'un sera sur place."},
    [EVENT_APPOINTMENT_RESCHEDULED] = {"Tell the people on site, and check that they are free.",
                                       "Prévenez les personnes sur place et vérifiez qu'elles "
                                       "sont libres."},
    [EVENT_APPOINTMENT_CANCELLED] = {"Tell the people on site, and ask for a new appointment.",
                                     "Prévenez les personnes sur place et demandez un nouveau "
                                     "rendez-vous."},
    [EVENT_APPOINTMENT_COMPLETED] = {"Check that the work was done.",
                                     "Vérifiez que le travail a été fait."},
    [EVENT_APPOINTMENT_MISSED] = {"Find out why, and ask for a new appointment.",
                                  "Cherchez-en la raison et demandez un nouveau rendez-vous."},
    [EVENT_APPOINTMENT_UPDATED] = {"Check that the new details suit you.",
                                   "Vérifiez que ces détails vous conviennent."},
    [EVENT_APPOINTMENT_REMOVED] = {"Ask the operator: it is gone without being cancelled.",
                                   "Interrogez l'opérateur\u00a0: il a disparu sans être annulé."},
    [EVENT_APPOINTMENT_REMINDER] = {"Make sure that somebody is on site.",
                                    "Assurez-vous que quelqu'un sera sur place."},
    [EVENT_SOURCE_UNREACHABLE] = {"What you know of its orders may be out of date.",
                                  "Ce que vous savez de ses commandes n'est peut-être plus à "
                                  "jour."},
    [EVENT_SOURCE_RECOVERED] = {"Nothing to do: its orders are up to date again.",
                                "Rien à faire\u00a0: ses commandes sont à nouveau à jour."},
    [EVENT_SOURCE_REJECTED] = {"Check its credentials in the configuration.",
                               "Vérifiez ses identifiants dans la configuration."},
    [EVENT_SOURCE_SCHEMA_CHANGED] = {"Check whether its profile needs an addition.",
                                     "Vérifiez si son profil doit être complété."},
    [EVENT_SOURCE_CHANGE_HELD] = {"Look at its orders, then let the change out: orderwatch "
                                  "release.",
                                  "Regardez ses commandes, puis libérez le changement\u00a0: "
                                  "orderwatch release."},
    [EVENT_SOURCE_CREDENTIAL_EXPIRING] = {"Renew it before that day.",
                                          "Renouvelez-le avant ce jour."},
    [EVENT_SINK_FAILING] = {"Nothing is lost; what waits is sent when it is back.",
                            "Rien n'est perdu\u00a0; ce qui attend partira à son retour."},
    [EVENT_SINK_RECOVERED] = {"Nothing to do: what waited is being sent.",
                              "Rien à faire\u00a0: ce qui attendait est en cours d'envoi."},
    [EVENT_SINK_PARKED] = {"Decide about it: orderwatch deliveries, then retry or drop.",
                           "Décidez de son sort\u00a0: orderwatch deliveries, puis retry ou drop."},
    [EVENT_TEST] = {"This is a test: nothing has happened.",
                    "Ceci est un essai\u00a0: rien ne s'est passé."},
};

void words_add_phrase(struct text *out, enum phrase phrase, enum language language,
                      const struct phrase_arguments *arguments)
{
    CHECK(phrase < PHRASE_COUNT);
    for (const char *byte = phrases[phrase][language]; *byte != '\0'; byte++) {
        if (byte[0] == '%' && byte[1] >= '1' && byte[1] <= '4') {
            text_add_text(out, arguments->values[byte[1] - '1']);
            byte++;
        } else {
            text_add_char(out, *byte);
        }
    }
}

const char *words_phrase(enum phrase phrase, enum language language)
{
    CHECK(phrase < PHRASE_COUNT);
    return phrases[phrase][language];
}

const char *words_advice(enum event_type type, enum language language)
{
    CHECK(type < EVENT_TYPE_COUNT);
    return advice[type][language];
}
