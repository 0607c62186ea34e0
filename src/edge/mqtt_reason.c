#include "mqtt_reason.h"

static const struct {
    int code;
    const char *words;
} reasons[] = {
    {0x00, "success"},
    {0x01, "unacceptable protocol version"}, /* 3.1.1 CONNACK codes, 1 to 5 */
    {0x02, "client identifier rejected, or a keep alive of 20 s is too long for this broker"},
    {0x03, "broker unavailable"},
    {0x04, "bad user name or password"},
    {0x05, "not authorised"},
    {0x10, "no matching subscribers"},
    {0x80, "unspecified error"},
    {0x81, "malformed packet"},
    {0x82, "protocol error"},
    {0x83, "implementation specific error"},
    {0x84, "unsupported protocol version; try protocol: 3.1.1"},
    {0x85, "client identifier not valid"},
    {0x86, "bad user name or password"},
    {0x87, "not authorised; check the login and the broker's access list"},
    {0x88, "server unavailable"},
    {0x89, "server busy"},
    {0x8a, "banned"},
    {0x8b, "server shutting down"},
    {0x8c, "bad authentication method"},
    {0x8d, "keep alive time-out"},
    {0x8e, "session taken over: another client uses this client_id"},
    {0x90, "topic name invalid"},
    {0x93, "receive maximum exceeded"},
    {0x95, "packet too large for this broker; raise its limit, or send less (fields)"},
    {0x96, "message rate too high"},
    {0x97, "quota exceeded"},
    {0x98, "administrative action"},
    {0x99, "payload format invalid"},
    {0x9a, "retain not supported"},
    {0x9b, "QoS not supported"},
    {0x9c, "use another server"},
    {0x9d, "server moved"},
    {0x9f, "connection rate exceeded"},
};

const char *mqtt_reason_words(int code)
{
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        if (reasons[i].code == code) {
            return reasons[i].words;
        }
    }
    return "a reason that MQTT 5 does not name";
}

bool mqtt_reason_is_refusal(int code)
{
    return code >= 0x80;
}

bool mqtt_reason_is_final(int code)
{
    return code == 0x87 || code == 0x90 || code == 0x95 || code == 0x99;
}

bool mqtt_reason_is_password(int code)
{
    return code == 0x04 || code == 0x05 || code == 0x86;
}

bool mqtt_reason_is_credential(int code)
{
    return code == 0x02 || code == 0x04 || code == 0x05 || code == 0x85 || code == 0x86 ||
           code == 0x87 || code == 0x8a || code == 0x8c;
}
