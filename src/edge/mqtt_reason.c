#include "mqtt_reason.h"

#define LOGIN_REMEDY "check username, password_file and what the broker allows them"
#define LATER_REMEDY "look into the broker's log if it stays so"

static const struct reason {
    int code;
    const char *words, *remedy; /* NULL: nothing that we could name */
} reasons[] = {
    {0x00, "success", NULL},
    {0x01, "unacceptable protocol version", "try protocol: 5"}, /* 3.1.1 CONNACK codes, 1 to 5 */
    {0x02, "client identifier rejected, or a keep alive of 20 s is too long for this broker",
     "check client_id"},
    {0x03, "broker unavailable", LATER_REMEDY},
    {0x04, "bad user name or password", LOGIN_REMEDY},
    {0x05, "not authorised", LOGIN_REMEDY},
    {0x10, "no matching subscribers", NULL},
    {0x80, "unspecified error", LATER_REMEDY},
    {0x81, "malformed packet", NULL},
    {0x82, "protocol error", NULL},
    {0x83, "implementation specific error", LATER_REMEDY},
    {0x84, "unsupported protocol version", "try protocol: 3.1.1"},
    {0x85, "client identifier not valid", "check client_id"},
    {0x86, "bad user name or password", LOGIN_REMEDY},
    {0x87, "not authorised", LOGIN_REMEDY},
    {0x88, "server unavailable", LATER_REMEDY},
    {0x89, "server busy", LATER_REMEDY},
    {0x8a, "banned", LOGIN_REMEDY},
    {0x8b, "server shutting down", NULL},
    {0x8c, "bad authentication method", LOGIN_REMEDY},
    {0x8d, "keep alive time-out", NULL},
    {0x8e, "session taken over: another client uses this client_id", NULL},
    {0x90, "topic name invalid", NULL},
    {0x93, "receive maximum exceeded", NULL},
    {0x95, "packet too large for this broker", "raise its limit, or send less (fields)"},
    {0x96, "message rate too high", NULL},
    {0x97, "quota exceeded", LATER_REMEDY},
    {0x98, "administrative action", NULL},
    {0x99, "payload format invalid", NULL},
    {0x9a, "retain not supported", NULL},
    {0x9b, "QoS not supported", NULL},
    {0x9c, "use another server", "check broker"},
    {0x9d, "server moved", "check broker"},
    {0x9f, "connection rate exceeded", LATER_REMEDY},
};

static const struct reason *find(int code)
{
    static const struct reason unknown = {0, "a reason that MQTT 5 does not name", NULL};
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        if (reasons[i].code == code) {
            return &reasons[i];
        }
    }
    return &unknown;
}

const char *mqtt_reason_words(int code)
{
    return find(code)->words;
}

const char *mqtt_reason_remedy(int code)
{
    return find(code)->remedy;
}

bool mqtt_reason_is_refusal(int code)
{
    return code >= 0x80;
}

bool mqtt_reason_is_final(int code)
{
    return code == 0x87 || code == 0x90 || code == 0x95 || code == 0x99;
}

bool mqtt_reason_is_credential(int code)
{
    return code == 0x02 || code == 0x04 || code == 0x05 || code == 0x85 || code == 0x86 ||
           code == 0x87 || code == 0x8a || code == 0x8c;
}
