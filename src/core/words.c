#include "core/words.h"

#include "core/text.h"
#include "core/zone.h"

#define LANGUAGE_COUNT 2

static const char *const weekdays[LANGUAGE_COUNT][7] = {
    [LANGUAGE_EN] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"},
    [LANGUAGE_FR] = {"lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."},
};

static const char *const months[LANGUAGE_COUNT][12] = {
    [LANGUAGE_EN] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                     "Dec"},
    [LANGUAGE_FR] = {"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.",
                     "oct.", "nov.", "déc."},
};

static const char *const events[EVENT_TYPE_COUNT][LANGUAGE_COUNT] = {
    [EVENT_ORDER_CREATED] = {"new order", "nouvelle commande"},
    [EVENT_ORDER_STATUS_CHANGED] = {"status changed", "changement de statut"},
    [EVENT_ORDER_STATUS_COMPLETED] = {"completed", "terminée"},
    [EVENT_ORDER_STATUS_CANCELLED] = {"cancelled", "annulée"},
    [EVENT_ORDER_STATUS_FAILED] = {"failed", "en échec"},
    [EVENT_ORDER_STATUS_HELD] = {"on hold", "suspendue"},
    [EVENT_ORDER_STATUS_RESUMED] = {"resumed", "reprise"},
    [EVENT_ORDER_STATUS_REVERTED] = {"status changed and changed back",
                                     "statut modifié puis rétabli"},
    [EVENT_ORDER_DATE_COMMITTED] = {"date committed", "date d'engagement fixée"},
    [EVENT_ORDER_DATE_CHANGED] = {"date changed", "date modifiée"},
    [EVENT_ORDER_DATE_OVERDUE] = {"overdue", "en retard"},
    [EVENT_ORDER_STALLED] = {"no progress", "sans avancement"},
    [EVENT_ORDER_NOTE_ADDED] = {"new note", "nouvelle note"},
    [EVENT_ORDER_UPDATED] = {"details changed", "détails modifiés"},
    [EVENT_ORDER_CLOSED] = {"closed", "clôturée"},
    [EVENT_ORDER_DISAPPEARED] = {"disappeared from the list", "disparue de la liste"},
    [EVENT_ORDER_REAPPEARED] = {"back on the list", "de retour dans la liste"},
    [EVENT_APPOINTMENT_CREATED] = {"new appointment", "nouveau rendez-vous"},
    [EVENT_APPOINTMENT_CONFIRMED] = {"appointment confirmed", "rendez-vous confirmé"},
    [EVENT_APPOINTMENT_RESCHEDULED] = {"appointment moved", "rendez-vous déplacé"},
    [EVENT_APPOINTMENT_CANCELLED] = {"appointment cancelled", "rendez-vous annulé"},
    [EVENT_APPOINTMENT_COMPLETED] = {"appointment completed", "rendez-vous effectué"},
    [EVENT_APPOINTMENT_MISSED] = {"appointment missed", "rendez-vous manqué"},
    [EVENT_APPOINTMENT_UPDATED] = {"appointment changed", "rendez-vous modifié"},
    [EVENT_APPOINTMENT_REMOVED] = {"appointment removed", "rendez-vous supprimé"},
    [EVENT_APPOINTMENT_REMINDER] = {"appointment reminder", "rappel de rendez-vous"},
    [EVENT_SOURCE_UNREACHABLE] = {"source unreachable", "source injoignable"},
    [EVENT_SOURCE_RECOVERED] = {"source recovered", "source rétablie"},
    [EVENT_SOURCE_REJECTED] = {"access to the source refused", "accès à la source refusé"},
    [EVENT_SOURCE_SCHEMA_CHANGED] = {"the source's data has a new shape",
                                     "les données de la source ont changé de forme"},
    [EVENT_SOURCE_CHANGE_HELD] = {"mass change held back", "changement massif retenu"},
    [EVENT_SOURCE_CREDENTIAL_EXPIRING] = {"credential expires soon", "identifiant bientôt expiré"},
    [EVENT_SINK_FAILING] = {"sink failing", "destination en échec"},
    [EVENT_SINK_RECOVERED] = {"sink recovered", "destination rétablie"},
    [EVENT_SINK_PARKED] = {"delivery parked", "envoi mis de côté"},
    [EVENT_TEST] = {"test message", "message d'essai"},
};

static const struct {
    const char *name;
    const char *words[LANGUAGE_COUNT];
} fields[] = {
    {"id", {"Order", "Commande"}},
    {"reference", {"Reference", "Référence"}},
    {"status", {"Status", "Statut"}},
    {"status_kind", {"State", "État"}},
    {"step", {"Step", "Étape"}},
    {"site", {"Site", "Site"}},
    {"offer", {"Offer", "Offre"}},
    {"requested_date", {"Requested date", "Date souhaitée"}},
    {"committed_date", {"Committed date", "Date d'engagement"}},
    {"completed_date", {"Completed date", "Date de réalisation"}},
    {"contact", {"Contact", "Contact"}},
    {"contact.name", {"Contact name", "Nom du contact"}},
    {"contact.phone", {"Contact phone", "Téléphone du contact"}},
    {"contact.email", {"Contact e-mail", "Courriel du contact"}},
    {"notes", {"Notes", "Notes"}},
    {"url", {"Link", "Lien"}},
    {"start", {"Start", "Début"}},
    {"end", {"End", "Fin"}},
    {"location", {"Location", "Lieu"}},
    {"appointment", {"Appointment", "Rendez-vous"}},
    /* members of data that a mail lists */
    {"detail", {"Detail", "Détail"}},
    {"failure", {"Failure", "Panne"}},
    {"reason", {"Reason", "Raison"}},
    {"sample", {"Sample", "Exemple"}},
    {"first", {"First", "Premier"}},
    {"last", {"Last", "Dernier"}},
    {"since", {"Since", "Depuis"}},
    {"count", {"Count", "Nombre"}},
    {"codes", {"Codes", "Codes"}},
    {"request_ids", {"Request ids", "Numéros de requête"}},
    {"name", {"Name", "Nom"}},
    {"expires", {"Expires", "Expiration"}},
    {"days_left", {"Days left", "Jours restants"}},
    {"parked", {"Parked", "Mis de côté"}},
    {"parked_in_all", {"Parked in all", "Mis de côté en tout"}},
};

void words_add_date(struct text *out, struct date date, const struct zone *zone,
                    enum language language, int near_year)
{
    if (date.kind == DATE_NONE) {
        return;
    }
    int64_t local_ms = date.ms;
    if (date.kind == DATE_INSTANT) {
        local_ms += (int64_t)zone_at(zone, date.ms).offset_s * 1000;
    }
    struct civil civil = civil_of(local_ms);
    text_addf(out, "%s %d %s", weekdays[language][civil.weekday], civil.day,
              months[language][civil.month - 1]);
    if (civil.year != near_year) {
        text_addf(out, " %d", civil.year);
    }
    if (date.kind == DATE_INSTANT) {
        text_addf(out, " %02d:%02d", civil.hour, civil.minute);
    }
}

void words_add_event(struct text *out, enum event_type type, enum language language)
{
    CHECK(type < EVENT_TYPE_COUNT);
    text_add_text(out, events[type][language]);
}

void words_add_field(struct text *out, const char *field_name, enum language language)
{
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (text_equal(fields[i].name, field_name)) {
            text_add_text(out, fields[i].words[language]);
            return;
        }
    }
    text_add_text(out, field_name); /* extra.X: named by the profile's author */
}
