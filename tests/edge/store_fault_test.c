/* Killed at any moment, on a full disk, on a disk that fails: nothing acknowledged is lost and
 * nothing is there by halves. */
#include "support/store_fixture.h"

#include "core/random.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define SINK FIXTURE_SINK
#define NOW FIXTURE_NOW

/* Transaction n writes order n, its event with one delivery, and the value "count". Odd ones go
 * through staging. */
static enum status commit_numbered(struct fixture *fixture, uint64_t number)
{
    char id[24];
    char lane[32];
    (void)snprintf(id, sizeof id, "%llu", (unsigned long long)number);
    (void)snprintf(lane, sizeof lane, "orange/%llu", (unsigned long long)(number % 7));
    struct planned_delivery planned = {.sink_name = SINK, .lane = lane, .due_wall_ms = NOW};
    struct new_event event = {.event = fixture_event(FIXTURE_SOURCE, id, number, SEVERITY_INFO),
                              .deliveries = &planned,
                              .delivery_count = 1};
    struct staged_order order = fixture_order(id, "canonical");
    order.events = &event;
    order.event_count = 1;
    struct stored_value value = {.key = "count", .value = {(const char *)&number, sizeof number}};
    bool is_staged = number % 2 == 1;
    if (is_staged) {
        enum status status = fixture_stage(fixture, FIXTURE_SOURCE, &order, 1);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct commit commit = {.source_name = FIXTURE_SOURCE,
                            .orders = &order,
                            .order_count = is_staged ? 0 : 1,
                            .values = &value,
                            .value_count = 1};
    return fixture_commit(fixture, &commit);
}

static void on_count(void *arg, const struct stored_value *value)
{
    assert_string_equal(value->key, "count");
    assert_int_equal(value->value.size, sizeof(uint64_t));
    memcpy(arg, value->value.data, sizeof(uint64_t));
}

static void on_order(void *arg, const struct stored_order *order)
{
    uint64_t *sum = arg;
    *sum += strtoull(order->id, NULL, 10);
}

/* How many transactions there are, after checking that each is there as a whole. */
static uint64_t check_whole(struct fixture *fixture)
{
    struct store_port port = fixture->port;
    uint64_t count = 0;
    uint64_t sum = 0;
    assert_int_equal(port.visit_values(port.self, on_count, &count, NULL), STATUS_OK);
    assert_int_equal(port.visit_orders(port.self, FIXTURE_SOURCE, on_order, &sum, NULL), STATUS_OK);
    assert_int_equal(sum, count * (count + 1) / 2);
    struct sink_counts counts = fixture_counts(fixture, SINK);
    assert_int_equal(counts.observed, count);
    assert_int_equal(counts.pending + counts.delivered, count);
    return count;
}

static void settle_due(struct fixture *fixture)
{
    fixture_fetch(fixture, NOW);
    struct settlement settlements[20];
    size_t count = fixture->count;
    for (size_t i = 0; i < count; i++) {
        settlements[i] = (struct settlement){.delivery_id = fixture->deliveries[i].id,
                                             .last_id = fixture->deliveries[i].last_id,
                                             .kind = SETTLE_DELIVERED,
                                             .at_wall_ms = NOW};
    }
    assert_int_equal(fixture_settle(fixture, settlements, count), STATUS_OK);
}

/* The child: commits from this number on and reports each that was acknowledged, until killed. */
_Noreturn static void commit_until_killed(const char *path, uint64_t number, int report)
{
    struct fixture *fixture = fixture_create();
    (void)rmdir(fixture->folder);
    (void)snprintf(fixture->path, sizeof fixture->path, "%s", path);
    if (fixture_open(fixture) != STATUS_OK) {
        _exit(1);
    }
    for (;; number++) {
        if (commit_numbered(fixture, number) != STATUS_OK ||
            write(report, &number, sizeof number) != sizeof number) {
            _exit(1);
        }
        if (number % 3 == 0) {
            settle_due(fixture);
        }
    }
}

/* Lets a child commit for a moment and kills it; the last number it reported, or 0. */
static uint64_t run_and_kill(const char *path, uint64_t number, struct random *random)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        commit_until_killed(path, number, ends[1]);
    }
    (void)close(ends[1]);
    uint64_t acknowledged = 0;
    for (int64_t left = random_below(random, 8); left >= 0; left--) {
        assert_int_equal(read(ends[0], &acknowledged, sizeof acknowledged), sizeof acknowledged);
    }
    (void)usleep((useconds_t)random_below(random, 1500)); /* any moment will do */
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    (void)close(ends[0]);
    return acknowledged;
}

static void test_killed_at_any_moment(void **state)
{
    struct fixture *fixture = *state;
    struct random random = {.state = 20261123};
    uint64_t count = 0;
    for (int round = 0; round < 100; round++) {
        fixture_close(fixture);
        uint64_t acknowledged = run_and_kill(fixture->path, count + 1, &random);
        assert_int_equal(fixture_open(fixture), STATUS_OK);
        count = check_whole(fixture);
        assert_true(count == acknowledged || count == acknowledged + 1);
    }
    assert_true(count >= 100);
}

static void test_staged_orders_do_not_survive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct staged_order order = fixture_order("1", "one");
    assert_int_equal(fixture_stage(fixture, FIXTURE_SOURCE, &order, 1), STATUS_OK);
    fixture_reopen(fixture);
    fixture_commit_orders(fixture, NULL, 0);
    assert_null(fixture_fetch_order(fixture, FIXTURE_SOURCE, "1")->id);
}

static void fill_disk(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    static const char block[4096];
    while (write(file, block, sizeof block) == sizeof block) {
    }
    assert_int_equal(close(file), 0);
}

static uint64_t commit_until_full(struct fixture *fixture, uint64_t number)
{
    enum status status = STATUS_OK;
    while ((status = commit_numbered(fixture, number)) == STATUS_OK) {
        number++;
        assert_true(number < 100000);
    }
    assert_int_equal(status, STATUS_FULL);
    return number - 1;
}

static void test_a_full_disk_stops_nothing_for_good(void **state)
{
    struct fixture *fixture = *state;
    if (mount("tmpfs", fixture->folder, "tmpfs", 0, "size=6m,mode=0700") != 0) {
        skip(); /* not root, or a sandbox */
    }
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    for (uint64_t i = 1; i <= 20; i++) {
        assert_int_equal(commit_numbered(fixture, i), STATUS_OK);
    }
    char ballast[128];
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", fixture->folder);
    fill_disk(ballast);
    uint64_t count = commit_until_full(fixture, 21);
    assert_false(store_has_failed(fixture->store));
    assert_int_equal(check_whole(fixture), count);
    assert_int_equal(commit_numbered(fixture, count + 1),
                     STATUS_FULL); /* the reserve is not for this */
    for (int i = 0; i < 10; i++) {
        settle_due(fixture); /* but for this */
    }
    assert_true(fixture_counts(fixture, SINK).delivered >= 20);

    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(commit_numbered(fixture, count + 1), STATUS_OK);
    fixture_reopen(fixture);
    assert_int_equal(check_whole(fixture), count + 1);
    fixture_close(fixture);
}

/* The mount must go even if the test has failed. */
static int teardown_disk(void **state)
{
    (void)umount2(((struct fixture *)*state)->folder, MNT_DETACH);
    return fixture_teardown(state);
}

/* A VFS under SQLite that can be told to fail. Used by one thread at a time. */
struct faults;

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
    struct faults *faults;
};

struct faults {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_io_methods methods;
    atomic_int writes_left; /* then they fail; negative: they never do */
    int code;               /* with this */
    bool only_syncs;
};

static struct faults *faults_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->faults;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int strike(struct faults *faults)
{
    if (atomic_load(&faults->writes_left) < 0) {
        return SQLITE_OK;
    }
    if (atomic_load(&faults->writes_left) == 0) {
        return faults->code;
    }
    atomic_fetch_sub(&faults->writes_left, 1);
    return SQLITE_OK;
}

static int faulty_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int code = real->pMethods->xClose(real);
    sqlite3_free(real);
    return code;
}

static int faulty_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    struct faults *faults = faults_of(file);
    int code = faults->only_syncs ? SQLITE_OK : strike(faults);
    return code != SQLITE_OK ? code
                             : real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    struct faults *faults = faults_of(file);
    int code = faults->only_syncs ? strike(faults) : SQLITE_OK;
    return code != SQLITE_OK ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int faulty_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int faulty_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int faulty_control(sqlite3_file *file, int operation, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, arg);
}

static int faulty_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int faulty_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    struct faults *faults = vfs->pAppData;
    sqlite3_file *real = sqlite3_malloc(faults->real->szOsFile);
    memset(real, 0, (size_t)faults->real->szOsFile);
    int code = faults->real->xOpen(faults->real, name, real, flags, out_flags);
    if (code != SQLITE_OK) {
        sqlite3_free(real);
        file->pMethods = NULL;
        return code;
    }
    ((struct faulty_file *)file)->real = real;
    ((struct faulty_file *)file)->faults = faults;
    file->pMethods = &faults->methods;
    return SQLITE_OK;
}

static struct faults *faults_create(void)
{
    struct faults *faults = alloc(sizeof *faults);
    faults->real = sqlite3_vfs_find(NULL);
    faults->vfs = *faults->real;
    faults->vfs.pNext = NULL;
    faults->vfs.zName = "faulty";
    faults->vfs.szOsFile = sizeof(struct faulty_file);
    faults->vfs.pAppData = faults;
    faults->vfs.xOpen = faulty_open;
    faults->methods = (sqlite3_io_methods){
        .iVersion = 1, /* no shared memory: the store must do without */
        .xClose = faulty_close,
        .xRead = faulty_read,
        .xWrite = faulty_write,
        .xTruncate = faulty_truncate,
        .xSync = faulty_sync,
        .xFileSize = faulty_size,
        .xLock = faulty_lock,
        .xUnlock = faulty_unlock,
        .xCheckReservedLock = faulty_check_lock,
        .xFileControl = faulty_control,
        .xSectorSize = faulty_sector,
        .xDeviceCharacteristics = faulty_traits,
    };
    atomic_store(&faults->writes_left, -1);
    assert_int_equal(sqlite3_vfs_register(&faults->vfs, 1), SQLITE_OK);
    return faults;
}

static void faults_destroy(struct faults *faults)
{
    assert_int_equal(sqlite3_vfs_unregister(&faults->vfs), SQLITE_OK);
    free(faults);
}

static void test_full_at_each_write(void **state)
{
    struct fixture *fixture = *state;
    struct faults *faults = faults_create();
    faults->code = SQLITE_FULL;
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    uint64_t count = 0;
    int refused = 0;
    for (int writes = 0; writes < 60; writes++) {
        atomic_store(&faults->writes_left, writes);
        enum status status = commit_numbered(fixture, count + 1);
        atomic_store(&faults->writes_left, -1);
        assert_true(status == STATUS_OK || status == STATUS_FULL);
        count += status == STATUS_OK;
        refused += status == STATUS_FULL;
        assert_false(store_has_failed(fixture->store));
        assert_int_equal(check_whole(fixture), count);
        if (writes % 5 == 0) {
            fixture_reopen(fixture);
            assert_int_equal(check_whole(fixture), count);
        }
        assert_int_equal(commit_numbered(fixture, ++count), STATUS_OK);
    }
    assert_true(refused > 5);
    fixture_close(fixture);
    faults_destroy(faults);
}

/* The first error of the disk: everything after it is refused, and the next start finds the last
 * good state. */
static void fail_once(struct fixture *fixture, struct faults *faults, int writes, uint64_t *count)
{
    assert_int_equal(fixture_open(fixture), STATUS_OK);
    assert_int_equal(commit_numbered(fixture, ++*count), STATUS_OK);
    atomic_store(&faults->writes_left, writes);
    enum status status = STATUS_OK;
    for (int i = 0; i < 50 && status == STATUS_OK; i++) {
        status = commit_numbered(fixture, *count + 1);
        *count += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_UNAVAILABLE);
    atomic_store(&faults->writes_left, -1);
    assert_true(store_has_failed(fixture->store));
    assert_int_equal(commit_numbered(fixture, *count + 1), STATUS_UNAVAILABLE);
    assert_non_null(strstr(fixture->why.detail, "restart"));
    struct due_query query = fixture_query(NOW);
    assert_int_equal(fixture_fetch_due(fixture, &query), STATUS_UNAVAILABLE);
    fixture_reopen(fixture);
    uint64_t found = check_whole(fixture);
    assert_true(found == *count || found == *count + 1); /* what failed to sync may be there */
    *count = found;
    fixture_close(fixture);
}

static void test_a_failing_disk_stops_the_store(void **state)
{
    struct fixture *fixture = *state;
    struct faults *faults = faults_create();
    uint64_t count = 0;
    faults->code = SQLITE_IOERR_WRITE;
    for (int writes = 0; writes < 20; writes++) {
        fail_once(fixture, faults, writes, &count);
    }
    faults->code = SQLITE_IOERR_FSYNC;
    faults->only_syncs = true;
    for (int syncs = 0; syncs < 5; syncs++) {
        fail_once(fixture, faults, syncs, &count);
    }
    faults_destroy(faults);
}

static int setup_closed(void **state)
{
    *state = fixture_create();
    return 0;
}

int main(void)
{
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
#define CLOSED_TEST(test) cmocka_unit_test_setup_teardown(test, setup_closed, fixture_teardown)
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_killed_at_any_moment),
        STORE_TEST(test_staged_orders_do_not_survive_a_restart),
        cmocka_unit_test_setup_teardown(test_a_full_disk_stops_nothing_for_good, setup_closed,
                                        teardown_disk),
        CLOSED_TEST(test_full_at_each_write),
        CLOSED_TEST(test_a_failing_disk_stops_the_store),
    };
    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}
