#include "mqtt_suspect.h"

#define SOON_MS_MAX 5000 /* what ends later ends of something else */
#define SUDDEN_COUNT_MAX 3

bool mqtt_lone_loss_is_sudden(const struct mqtt_lone_loss *loss)
{
    return loss->sent_mono_ms - loss->up_mono_ms >= MQTT_WELL_MS_MIN &&
           loss->lost_mono_ms - loss->sent_mono_ms <= SOON_MS_MAX;
}

bool mqtt_suspects_has(const struct mqtt_suspects *suspects, uint64_t message)
{
    for (size_t i = 0; suspects->count != 0 && i < SUSPECTS_MAX; i++) {
        if (suspects->suspects[i].message == message && suspects->suspects[i].loss_count != 0) {
            return true;
        }
    }
    return false;
}

/* The place of the message, or one for it: free, or of the least suspect. */
static size_t place_of(const struct mqtt_suspects *suspects, uint64_t message)
{
    size_t place = 0;
    for (size_t i = 0; i < SUSPECTS_MAX; i++) {
        if (suspects->suspects[i].message == message) {
            return i;
        }
        if (suspects->suspects[i].loss_count < suspects->suspects[place].loss_count) {
            place = i;
        }
    }
    return place;
}

static bool names_the_message(int reason)
{
    return reason == 0x90 || reason == 0x95 || reason == 0x99;
}

enum suspicion mqtt_suspects_judge(struct mqtt_suspects *suspects,
                                   const struct mqtt_lone_loss *loss)
{
    size_t place = place_of(suspects, loss->message);
    if (suspects->suspects[place].message != loss->message ||
        suspects->suspects[place].loss_count == 0) {
        suspects->count += suspects->suspects[place].loss_count == 0 ? 1 : 0;
        suspects->suspects[place].message = loss->message;
        suspects->suspects[place].loss_count = 0;
        suspects->suspects[place].sudden_count = 0;
    }
    uint32_t loss_count = ++suspects->suspects[place].loss_count;
    suspects->suspects[place].sudden_count += mqtt_lone_loss_is_sudden(loss) ? 1 : 0;
    if (names_the_message(loss->reason) ||
        suspects->suspects[place].sudden_count >= SUDDEN_COUNT_MAX) {
        mqtt_suspects_clear(suspects, loss->message);
        return SUSPICION_SURE;
    }
    return loss_count > 1 ? SUSPICION_GROWS : SUSPICION_BEGINS;
}

void mqtt_suspects_clear(struct mqtt_suspects *suspects, uint64_t message)
{
    if (!mqtt_suspects_has(suspects, message)) {
        return;
    }
    size_t place = place_of(suspects, message);
    suspects->suspects[place].message = 0;
    suspects->suspects[place].loss_count = 0;
    suspects->suspects[place].sudden_count = 0;
    suspects->count--;
}

void mqtt_suspects_convict(struct mqtt_suspects *suspects, uint64_t message)
{
    suspects->convicts[suspects->convict_count++ % CONVICTS_MAX] = message;
}

bool mqtt_suspects_is_convict(const struct mqtt_suspects *suspects, uint64_t message)
{
    for (size_t i = 0; i < suspects->convict_count && i < CONVICTS_MAX; i++) {
        if (suspects->convicts[i] == message) {
            return true;
        }
    }
    return false;
}
