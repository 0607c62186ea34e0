#include "mqtt_setup.h"

#include "core/secret.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define SYSTEM_CA_FOLDER "/etc/ssl/certs"
/* A broker that acknowledges nothing for so long is gone, though the kernel would wait minutes. */
#define UNACKNOWLEDGED_MS_MAX 20000u

static bool set_tls(struct mosquitto *client, const struct mqtt_config *config)
{
    const struct tls_config *tls = &config->tls;
    const char *folder = tls->ca_file == NULL ? SYSTEM_CA_FOLDER : NULL;
    const char *key_file = tls->key_file != NULL ? tls->key_file : tls->cert_file;
    return mosquitto_tls_set(client, tls->ca_file, folder, tls->cert_file, key_file, NULL) ==
               MOSQ_ERR_SUCCESS &&
           mosquitto_tls_opts_set(client, 1, "tlsv1.2", NULL) == MOSQ_ERR_SUCCESS;
}

static bool set_login(struct mosquitto *client, const struct mqtt_config *config)
{
    const char *password = config->password != NULL ? secret_reveal_text(config->password) : NULL;
    return config->username == NULL ||
           mosquitto_username_pw_set(client, config->username, password) == MOSQ_ERR_SUCCESS;
}

bool mqtt_setup(struct mosquitto *client, const struct mqtt_config *config,
                const struct mqtt_broker *broker, const char *status_topic)
{
    static const char will[] = "offline";
    int protocol = config->protocol == 4 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    (void)mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, protocol);
    (void)mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    if (!set_login(client, config) || (broker->is_tls && !set_tls(client, config))) {
        return false;
    }
    return status_topic == NULL || mosquitto_will_set_v5(client, status_topic, (int)strlen(will),
                                                         will, 1, true, NULL) == MOSQ_ERR_SUCCESS;
}

void mqtt_setup_socket(int socket)
{
    unsigned wait_ms = UNACKNOWLEDGED_MS_MAX;
    /* Helper processes must not inherit it, or the broker would never see it closed. */
    CHECK(fcntl(socket, F_SETFD, FD_CLOEXEC) == 0);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &wait_ms, sizeof wait_ms);
}
