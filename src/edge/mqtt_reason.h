/* MQTT 5 reason codes (OASIS MQTT 5.0, section 2.4) in words, and what they mean for a delivery. */
#ifndef EDGE_MQTT_REASON_H
#define EDGE_MQTT_REASON_H

#include "core/base.h"

const char *mqtt_reason_words(int code);
const char *mqtt_reason_remedy(int code); /* what to look at; NULL: nothing that we could name */
bool mqtt_reason_is_refusal(int code);    /* 0x80 and above */
bool mqtt_reason_is_final(int code);      /* the same message will never be taken */
bool mqtt_reason_is_credential(int code); /* who we are was not accepted */

#endif
