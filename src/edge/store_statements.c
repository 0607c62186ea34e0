#include "store_statements.h"

#include "core/base.h"

/* Pending rows have state 0 and head rows is_head 1, written out, so that the partial indexes
 * apply. A plan that changes fails the test that compares them. */
static const struct statement_text texts[] = {
    [STATEMENT_BEGIN] = {"BEGIN", ""},
    [STATEMENT_COMMIT] = {"COMMIT", ""},
    [STATEMENT_ROLLBACK] = {"ROLLBACK", ""},

    [STATEMENT_ORDER_VISIT] = {"SELECT id, raw_fingerprint, sequence, has_left FROM orders"
                               " WHERE source = ?1",
                               "SEARCH orders USING PRIMARY KEY (source=?)"},
    [STATEMENT_ORDER_FETCH] = {"SELECT o.raw_fingerprint, o.sequence, o.has_left, r.canonical,"
                               " r.history FROM orders o JOIN records r ON r.id = o.record"
                               " WHERE o.source = ?1 AND o.id = ?2",
                               "SEARCH o USING PRIMARY KEY (source=? AND id=?); "
                               "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_ORDER_FIND] = {"SELECT record FROM orders WHERE source = ?1 AND id = ?2",
                              "SEARCH orders USING PRIMARY KEY (source=? AND id=?)"},
    [STATEMENT_ORDER_ADD] = {"INSERT INTO orders(source, id, raw_fingerprint, sequence, has_left,"
                             " record) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                             ""},
    [STATEMENT_ORDER_CHANGE] = {"UPDATE orders SET raw_fingerprint = ?3, sequence = ?4,"
                                " has_left = ?5 WHERE source = ?1 AND id = ?2",
                                "SEARCH orders USING PRIMARY KEY (source=? AND id=?)"},
    [STATEMENT_RECORD_ADD] = {"INSERT INTO records(canonical, history, deadlines)"
                              " VALUES(?1, ?2, ?3)",
                              ""},
    [STATEMENT_RECORD_CHANGE] = {"UPDATE records SET canonical = ?1, history = ?2,"
                                 " deadlines = ?3 WHERE id = ?4",
                                 "SEARCH records USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_STAGED_ADD] = {"INSERT INTO temp.staged(id, bytes) VALUES(?1, ?2)", ""},
    [STATEMENT_STAGED_VISIT] =
        {"SELECT bytes FROM temp.staged WHERE id BETWEEN ?1 AND ?2"
         " ORDER BY id",
         "SEARCH temp.staged USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    [STATEMENT_STAGED_FORGET] =
        {"DELETE FROM temp.staged WHERE id BETWEEN ?1 AND ?2",
         "SEARCH temp.staged USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
    [STATEMENT_STAGED_FORGET_ALL] = {"DELETE FROM temp.staged", ""}, /* truncates, reads nothing */
    [STATEMENT_DEADLINE_LIST] = {"SELECT deadlines FROM records WHERE id = ?1",
                                 "SEARCH records USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_DEADLINE_ADD] = {"INSERT OR IGNORE INTO deadlines(source, due, order_id, kind, key)"
                                " VALUES(?1, ?2, ?3, ?4, ?5)",
                                ""},
    [STATEMENT_DEADLINE_END] = {"DELETE FROM deadlines WHERE source = ?1 AND due = ?2"
                                " AND order_id = ?3 AND kind = ?4 AND key = ?5",
                                "SEARCH deadlines USING PRIMARY KEY (source=? AND due=? AND"
                                " order_id=? AND kind=? AND key=?)"},
    [STATEMENT_DEADLINE_FETCH] = {"SELECT order_id, kind, due, key FROM deadlines"
                                  " WHERE source = ?1 ORDER BY due LIMIT ?2",
                                  "SEARCH deadlines USING PRIMARY KEY (source=?)"},
    [STATEMENT_VALUE_VISIT] = {"SELECT key, value FROM named_values", "SCAN named_values"},
    [STATEMENT_VALUE_SET] = {"INSERT INTO named_values(key, value) VALUES(?1, ?2)"
                             " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                             ""},
    [STATEMENT_VALUE_FORGET] = {"DELETE FROM named_values WHERE key = ?1",
                                "SEARCH named_values USING PRIMARY KEY (key=?)"},

    [STATEMENT_EVENT_ADD] = {"INSERT INTO events(event_id, source, order_id, appointment_id, type,"
                             " severity, sequence, wall_ms, sweep, json, personal, silence_id)"
                             " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                             " ON CONFLICT(event_id) DO NOTHING",
                             ""},
    [STATEMENT_EVENT_FETCH] = {"SELECT event_id, source, order_id, appointment_id, type, severity,"
                               " sequence, wall_ms, sweep, json, personal FROM events"
                               " WHERE id = ?1",
                               "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
    /* Into an empty lane it comes as its head. */
    [STATEMENT_DELIVERY_ADD] = {"INSERT INTO deliveries(sink, lane, bundle, event, severity, due,"
                                " first_due, created, state, is_head)"
                                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 0, NOT EXISTS(SELECT 1"
                                " FROM deliveries WHERE sink = ?1 AND lane = ?2 AND state = 0))",
                                "SCALAR SUBQUERY 1; SEARCH deliveries USING INDEX"
                                " deliveries_lane (sink=? AND lane=?)"},
    [STATEMENT_DELIVERY_FIND] = {"SELECT sink, lane, bundle FROM deliveries"
                                 " WHERE id = ?1 AND state = 0",
                                 "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_DELIVERY_KNOWN] = {"SELECT 1 FROM deliveries WHERE event = ?1 AND sink = ?2",
                                  "SEARCH deliveries USING INDEX deliveries_event (event=?)"},
    [STATEMENT_HEAD_VISIT] = {"SELECT id, lane, bundle, event, due, first_due, attempts, created,"
                              " progress, last_row, is_retry FROM deliveries WHERE sink = ?1"
                              " AND state = 0 AND is_head = 1 AND due > ?2 ORDER BY due, id",
                              "SEARCH deliveries USING INDEX deliveries_head (sink=? AND due>?)"},
    [STATEMENT_RETRY_VISIT] = {"SELECT id, lane, bundle, event, due, first_due, attempts, created,"
                               " progress, last_row, is_retry FROM deliveries WHERE sink = ?1"
                               " AND state = 0 AND is_head = 1 AND is_retry = 1 AND due > ?2"
                               " ORDER BY due, id",
                               "SEARCH deliveries USING INDEX deliveries_retry"
                               " (sink=? AND due>?)"},
    [STATEMENT_LANE_VISIT] = {"SELECT id, event, severity, bundle FROM deliveries"
                              " WHERE sink = ?1 AND lane = ?2 AND state = 0"
                              " AND id BETWEEN ?3 AND ?4 ORDER BY id",
                              "SEARCH deliveries USING INDEX deliveries_lane"
                              " (sink=? AND lane=? AND id>? AND id<?)"},
    [STATEMENT_NEWEST_WAITING] = {"SELECT max(max(created, coalesce((SELECT wall_ms FROM attempts"
                                  " WHERE delivery = d.id ORDER BY number DESC LIMIT 1), created)))"
                                  " FROM deliveries d WHERE sink = ?1 AND state = 0"
                                  " AND state IN (0, 2) AND due > ?2",
                                  "SEARCH d USING INDEX deliveries_open (sink=? AND state=?);"
                                  " CORRELATED SCALAR SUBQUERY 1;"
                                  " SEARCH attempts USING PRIMARY KEY (delivery=?)"},
    [STATEMENT_ELDER_EXISTS] = {"SELECT 1 FROM deliveries WHERE sink = ?1 AND state = 0"
                                " AND lane <> ?2 AND id < ?3 AND first_due <= ?4 LIMIT 1",
                                "SEARCH deliveries USING INDEX deliveries_lane (sink=?)"},
    [STATEMENT_ELDER_OF_ORDER] =
        {"SELECT min(elder.first_due) FROM events AS own"
         " JOIN events AS earlier ON earlier.source = own.source AND earlier.order_id = "
         "own.order_id AND earlier.id < own.id"
         " JOIN deliveries AS elder ON elder.event = earlier.id"
         " WHERE own.id = ?1 AND own.order_id <> '' AND elder.sink = ?2 AND elder.state = 0"
         " AND elder.lane <> ?3 AND elder.id < ?4 AND elder.first_due <= ?5",
         "SEARCH own USING INTEGER PRIMARY KEY (rowid=?);"
         " SEARCH earlier USING COVERING INDEX events_order (source=? AND order_id=? AND id<?);"
         " SEARCH elder USING INDEX deliveries_event (event=? AND rowid<?)"},
    [STATEMENT_DELIVERY_END] = {"UPDATE deliveries SET state = ?2, is_head = 0, ended = ?3,"
                                " attempts = attempts + ?4, detail = ?5,"
                                " progress = coalesce(?6, progress), last_row = ?7"
                                " WHERE id = ?1 AND state = 0",
                                "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    /* The other rows of a bundle: they name the row that led it. */
    [STATEMENT_LANE_END] = {"UPDATE deliveries SET state = ?5, ended = ?6, leader = ?3"
                            " WHERE sink = ?1 AND lane = ?2 AND state = 0 AND id > ?3 AND id <= ?4"
                            " AND bundle IS ?7",
                            "SEARCH deliveries USING INDEX deliveries_lane"
                            " (sink=? AND lane=? AND id>? AND id<?)"},
    [STATEMENT_LANE_MOVE] = {"UPDATE deliveries SET lane = ?3, bundle = ?4, due = ?5,"
                             " first_due = ?5, is_head = 0, is_retry = 0"
                             " WHERE sink = ?1 AND lane = ?2 AND state = 0 AND id > ?6"
                             " AND bundle IS ?7",
                             "SEARCH deliveries USING INDEX deliveries_lane"
                             " (sink=? AND lane=? AND id>?)"},
    [STATEMENT_LANE_DEMOTE] = {"UPDATE deliveries SET is_head = 0 WHERE sink = ?1 AND lane = ?2"
                               " AND state = 0 AND is_head = 1",
                               "SEARCH deliveries USING INDEX deliveries_lane (sink=? AND lane=?)"},
    [STATEMENT_LANE_PROMOTE] = {"UPDATE deliveries SET is_head = 1 WHERE id = (SELECT id"
                                " FROM deliveries WHERE sink = ?1 AND lane = ?2 AND state = 0"
                                " ORDER BY id LIMIT 1)",
                                "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?);"
                                " SCALAR SUBQUERY 1; SEARCH deliveries USING INDEX"
                                " deliveries_lane (sink=? AND lane=?)"},
    [STATEMENT_DELIVERY_POSTPONE] =
        {"UPDATE deliveries SET due = ?2, is_retry = 1,"
         " attempts = attempts + ?3,"
         " progress = coalesce(?4, progress), last_row = ?5, detail = ?6"
         " WHERE id = ?1 AND state = 0",
         "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_DELIVERY_DEFER] = {"UPDATE deliveries SET due = ?2, first_due = ?2, is_retry = 0,"
                                  " detail = ?3 WHERE id = ?1 AND state = 0",
                                  "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_ATTEMPT_ADD] = {"INSERT INTO attempts(delivery, number, wall_ms, detail)"
                               " SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM attempts"
                               " WHERE delivery = ?1",
                               "SEARCH attempts USING PRIMARY KEY (delivery=?)"},
    [STATEMENT_ATTEMPT_TRIM] = {"DELETE FROM attempts WHERE delivery = ?1 AND number <= (SELECT"
                                " max(number) FROM attempts WHERE delivery = ?1) - ?2",
                                "SEARCH attempts USING PRIMARY KEY (delivery=? AND number<?);"
                                " SCALAR SUBQUERY 1; SEARCH attempts USING PRIMARY KEY"
                                " (delivery=?)"},
    [STATEMENT_DELIVERY_COUNT] = {"SELECT count(*) FROM deliveries WHERE sink = ?1 AND state = ?2"
                                  " AND state IN (0, 2)",
                                  "SEARCH deliveries USING COVERING INDEX deliveries_open"
                                  " (sink=? AND state=?)"},
    [STATEMENT_SINK_COUNT] =
        {"INSERT INTO sinks(name, observed, delivered, pending, parked,"
         " silenced) VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(name) DO UPDATE SET"
         " observed = observed + excluded.observed,"
         " delivered = delivered + excluded.delivered,"
         " pending = pending + excluded.pending,"
         " parked = parked + excluded.parked,"
         " silenced = silenced + excluded.silenced",
         ""},
    [STATEMENT_SINK_VISIT] =
        {"SELECT name, observed, delivered, pending, parked, silenced, (SELECT created"
         " FROM deliveries WHERE sink = name AND state = 0 AND state IN (0, 2) ORDER BY id LIMIT 1)"
         /* What waits on purpose is due last: among the first to leave is the one that is late. */
         ", (SELECT min(first_due) FROM (SELECT first_due FROM deliveries WHERE sink = name"
         " AND state = 0 AND is_head = 1 ORDER BY due, id LIMIT 1000)) FROM sinks",
         "SCAN sinks; CORRELATED SCALAR SUBQUERY 1; SEARCH deliveries USING"
         " INDEX deliveries_open (sink=? AND state=?); CORRELATED SCALAR SUBQUERY 3;"
         " CO-ROUTINE (subquery-2); SEARCH deliveries USING INDEX deliveries_head (sink=?);"
         " SEARCH (subquery-2)"},

    [STATEMENT_STATE_VERSION] = {"UPDATE counters SET value = value + 1"
                                 " WHERE name = 'state_version' RETURNING value",
                                 "SEARCH counters USING PRIMARY KEY (name=?)"},
    [STATEMENT_STATE_MARK] = {"INSERT INTO states(sink, source, order_id, version, is_stale)"
                              " VALUES(?1, ?2, ?3, ?4, 1)"
                              " ON CONFLICT(sink, source, order_id) DO UPDATE"
                              " SET version = excluded.version, is_stale = 1",
                              ""},
    [STATEMENT_STATE_MARK_SOURCE] = {"INSERT INTO states(sink, source, order_id, version, is_stale)"
                                     " SELECT ?1, source, id, ?3, 1 FROM orders"
                                     " WHERE source = ?2 AND has_left = 0"
                                     " ON CONFLICT(sink, source, order_id) DO UPDATE"
                                     " SET version = excluded.version, is_stale = 1, is_whole = 1"
                                     " WHERE ?4 OR is_stale = 0 OR is_whole = 0",
                                     "SEARCH orders USING PRIMARY KEY (source=?)"},
    /* The source's own: of no order. */
    [STATEMENT_STATE_NOTE_SOURCE] = {"INSERT INTO states(sink, source, order_id, version, is_stale)"
                                     " VALUES(?1, ?2, '', ?3, 1)"
                                     " ON CONFLICT(sink, source, order_id) DO UPDATE"
                                     " SET version = excluded.version, is_stale = 1 WHERE ?4",
                                     ""},
    [STATEMENT_STATE_MARK_KEPT] = {"UPDATE states SET version = ?3, is_stale = 1"
                                   " WHERE sink = ?1 AND source = ?2",
                                   "SEARCH states USING PRIMARY KEY (sink=? AND source=?)"},
    [STATEMENT_STATE_FETCH] = {"SELECT s.source, s.order_id, s.version, s.published,"
                               " coalesce(o.has_left, 1), r.canonical, s.is_whole, s.is_refused"
                               " FROM states s"
                               " LEFT JOIN orders o ON o.source = s.source AND o.id = s.order_id"
                               " LEFT JOIN records r ON r.id = o.record"
                               " WHERE s.sink = ?1 AND s.is_stale = 1 ORDER BY s.version LIMIT ?2",
                               "SEARCH s USING INDEX states_stale (sink=?);"
                               " SEARCH o USING PRIMARY KEY (source=? AND id=?) LEFT-JOIN;"
                               " SEARCH r USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
    [STATEMENT_STATE_SETTLE] =
        {"UPDATE states SET published = ?4, is_stale = (is_stale AND version <> ?5),"
         " is_whole = (is_whole AND version <> ?5), is_refused = iif(?5, ?6, is_refused)"
         " WHERE sink = ?1 AND source = ?2 AND order_id = ?3",
         "SEARCH states USING PRIMARY KEY"
         " (sink=? AND source=? AND order_id=?)"},
    /* What left, or whose source is no longer mirrored (?4 = 0), has nothing more to remember once
     * its topics are empty. */
    [STATEMENT_STATE_FORGET_LEFT] = {"DELETE FROM states WHERE sink = ?1 AND source = ?2"
                                     " AND order_id = ?3 AND is_stale = 0 AND NOT (?4 AND"
                                     " (?3 = '' OR EXISTS(SELECT 1 FROM orders WHERE source = ?2"
                                     " AND id = ?3 AND has_left = 0)))",
                                     "SEARCH states USING PRIMARY KEY"
                                     " (sink=? AND source=? AND order_id=?);"
                                     " SCALAR SUBQUERY 1; SEARCH orders USING PRIMARY KEY"
                                     " (source=? AND id=?)"},
    [STATEMENT_STATE_RETRY] =
        {"UPDATE states SET version = ?2, is_stale = 1, is_whole = 1"
         " WHERE (sink, source, order_id) IN (SELECT sink, source, order_id FROM states"
         " WHERE sink = ?1 AND is_refused = 1 AND is_stale = 0 ORDER BY version LIMIT ?3)",
         "SEARCH states USING PRIMARY KEY (sink=? AND source=? AND order_id=?);"
         " LIST SUBQUERY 1; SEARCH states USING INDEX states_refused (sink=?)"},
    [STATEMENT_PAIR_VISIT] = {"SELECT source, sink FROM state_sinks", "SCAN state_sinks"},
    [STATEMENT_PAIR_ADD] = {"INSERT INTO state_sinks(source, sink, shape) VALUES(?1, ?2, ?3)"
                            " ON CONFLICT(source, sink) DO UPDATE SET shape = excluded.shape"
                            " WHERE shape <> excluded.shape",
                            ""},
    [STATEMENT_PAIR_FORGET] = {"DELETE FROM state_sinks WHERE source = ?1 AND sink = ?2",
                               "SEARCH state_sinks USING PRIMARY KEY (source=? AND sink=?)"},

    [STATEMENT_ORDER_LIST] = {"SELECT o.source, o.id, o.raw_fingerprint, o.sequence, o.has_left,"
                              " r.canonical, r.history FROM orders o JOIN records r"
                              " ON r.id = o.record WHERE (o.source, o.id) > (?1, ?2)"
                              " ORDER BY o.source, o.id LIMIT ?3",
                              "SEARCH o USING PRIMARY KEY ((source,id)>(?,?));"
                              " SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_EVENT_LIST_UP] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE id > ?1 ORDER BY id LIMIT ?2",
         "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"},
    [STATEMENT_EVENT_LIST_DOWN] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
         "SEARCH events USING INTEGER PRIMARY KEY (rowid<?)"},
    [STATEMENT_EVENT_LIST_ORDER_UP] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE id > ?1 AND source = ?2 AND order_id = ?3 ORDER BY id LIMIT ?4",
         "SEARCH events USING INDEX events_order (source=? AND order_id=? AND id>?)"},
    [STATEMENT_EVENT_LIST_ORDER_DOWN] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE id < ?1 AND source = ?2 AND order_id = ?3 ORDER BY id DESC LIMIT ?4",
         "SEARCH events USING INDEX events_order (source=? AND order_id=? AND id<?)"},
    /* After 9 and f comes g: what begins so is below it. */
    [STATEMENT_EVENT_LIST_ID] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE +id < ?1 AND event_id >= ?2 AND event_id < ?2 || 'g' ORDER BY +id DESC LIMIT ?3",
         "SEARCH events USING INDEX sqlite_autoindex_events_1 (event_id>? AND event_id<?);"
         " USE TEMP B-TREE FOR ORDER BY"},
    [STATEMENT_EVENT_EXPLAIN] =
        {"SELECT id, event_id, source, order_id, appointment_id, type,"
         " severity, sequence, wall_ms, sweep, json, personal, silence_id FROM events"
         " WHERE event_id = ?1",
         "SEARCH events USING INDEX sqlite_autoindex_events_1 (event_id=?)"},
    [STATEMENT_DELIVERY_LIST] =
        {"SELECT d.id, coalesce(d.leader, d.id), d.sink, d.lane, d.bundle, d.state, d.due, "
         "d.created,"
         " coalesce(d.ended, 0), d.attempts, coalesce(l.detail, d.detail, ''), e.event_id, "
         "e.source,"
         " e.order_id, e.type FROM deliveries d JOIN events e ON e.id = d.event"
         " LEFT JOIN deliveries l ON l.id = d.leader"
         " WHERE d.id < ?1 ORDER BY d.id DESC LIMIT ?2",
         "SEARCH d USING INTEGER PRIMARY KEY (rowid<?);"
         " SEARCH e USING INTEGER PRIMARY KEY (rowid=?);"
         " SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
    [STATEMENT_DELIVERY_LIST_OPEN] =
        {"SELECT d.id, coalesce(d.leader, d.id), d.sink, d.lane, d.bundle, d.state, d.due, "
         "d.created,"
         " coalesce(d.ended, 0), d.attempts, coalesce(l.detail, d.detail, ''), e.event_id, "
         "e.source,"
         " e.order_id, e.type FROM deliveries d JOIN events e ON e.id = d.event"
         " LEFT JOIN deliveries l ON l.id = d.leader"
         " WHERE d.id < ?1 AND d.sink = ?3 AND d.state = ?4 AND d.state IN (0, 2) ORDER BY d.id "
         "DESC LIMIT ?2",
         "SEARCH d USING INDEX deliveries_open (sink=? AND state=? AND id<?);"
         " SEARCH e USING INTEGER PRIMARY KEY (rowid=?);"
         " SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
    [STATEMENT_DELIVERY_LIST_EVENT] =
        {"SELECT d.id, coalesce(d.leader, d.id), d.sink, d.lane, d.bundle, d.state, d.due, "
         "d.created,"
         " coalesce(d.ended, 0), d.attempts, coalesce(l.detail, d.detail, ''), e.event_id, "
         "e.source,"
         " e.order_id, e.type FROM deliveries d JOIN events e ON e.id = d.event"
         " LEFT JOIN deliveries l ON l.id = d.leader"
         " WHERE d.id < ?1 AND d.event = ?3 ORDER BY d.id DESC LIMIT ?2",
         "SEARCH e USING INTEGER PRIMARY KEY (rowid=?);"
         " SEARCH d USING INDEX deliveries_event (event=? AND rowid<?);"
         " SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
    [STATEMENT_DELIVERY_LIST_ORDER] =
        {"SELECT d.id, coalesce(d.leader, d.id), d.sink, d.lane, d.bundle, d.state, d.due, "
         "d.created,"
         " coalesce(d.ended, 0), d.attempts, coalesce(l.detail, d.detail, ''), e.event_id, "
         "e.source,"
         " e.order_id, e.type FROM events e CROSS JOIN deliveries d ON d.event = e.id"
         " LEFT JOIN deliveries l ON l.id = d.leader"
         " WHERE d.id < ?1 AND e.source = ?3 AND e.order_id = ?4 ORDER BY d.id DESC LIMIT ?2",
         "SEARCH e USING INDEX events_order (source=? AND order_id=?);"
         " SEARCH d USING INDEX deliveries_event (event=? AND rowid<?);"
         " SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN;"
         " USE TEMP B-TREE FOR ORDER BY"},
    [STATEMENT_ATTEMPT_LIST] = {"SELECT wall_ms, coalesce(detail, '') FROM attempts"
                                " WHERE delivery = ?1 ORDER BY number",
                                "SEARCH attempts USING PRIMARY KEY (delivery=?)"},
    [STATEMENT_PARKED_FIND] = {"SELECT sink, lane FROM deliveries WHERE id = ?1 AND state = 2",
                               "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    /* As if planned now, except that it keeps its place in the lane and its progress; a lane that
     * has a head keeps it. */
    [STATEMENT_PARKED_RETRY] = {"UPDATE deliveries SET state = 0, is_retry = 0, due = ?2,"
                                " first_due = ?2, attempts = 0, ended = NULL, leader = NULL,"
                                " last_row = NULL, is_head = NOT EXISTS(SELECT 1 FROM deliveries"
                                " WHERE sink = ?3 AND lane = ?4 AND state = 0)"
                                " WHERE id = ?1 AND state = 2",
                                "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?);"
                                " SCALAR SUBQUERY 1; SEARCH deliveries USING INDEX"
                                " deliveries_lane (sink=? AND lane=?)"},
    [STATEMENT_PARKED_DROP] = {"UPDATE deliveries SET state = 3, ended = ?2"
                               " WHERE id = ?1 AND state = 2",
                               "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_STATE_TAKE_BACK] = {"UPDATE states SET version = ?4, is_stale = 1"
                                   " WHERE sink = ?1 AND source = ?2 AND order_id = ?3",
                                   "SEARCH states USING PRIMARY KEY"
                                   " (sink=? AND source=? AND order_id=?)"},

    [STATEMENT_EVENT_OLD] = {"SELECT id, wall_ms, source, order_id FROM events WHERE id > ?1"
                             " ORDER BY id LIMIT ?2",
                             "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"},
    [STATEMENT_EVENT_IS_OPEN] = {"SELECT 1 FROM deliveries WHERE event = ?1 AND +state IN (0, 2)"
                                 " LIMIT 1",
                                 "SEARCH deliveries USING INDEX deliveries_event (event=?)"},
    [STATEMENT_EVENT_FORGET] = {"DELETE FROM events WHERE id = ?1",
                                "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_EVENT_OF_ORDER] = {"SELECT id FROM events WHERE source = ?1 AND order_id = ?2"
                                  " AND id > ?3 ORDER BY id LIMIT ?4",
                                  "SEARCH events USING COVERING INDEX events_order"
                                  " (source=? AND order_id=? AND id>?)"},
    [STATEMENT_DELIVERY_OF_EVENT] = {"SELECT id, sink, lane, state, is_head FROM deliveries"
                                     " WHERE event = ?1 AND id > ?2 ORDER BY id LIMIT 1",
                                     "SEARCH deliveries USING INDEX deliveries_event"
                                     " (event=? AND rowid>?)"},
    [STATEMENT_DELIVERY_FORGET] = {"DELETE FROM deliveries WHERE id = ?1",
                                   "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_ORDER_LEFT_FIND] = {"SELECT record FROM orders WHERE source = ?1 AND id = ?2"
                                   " AND has_left = 1 AND NOT EXISTS(SELECT 1 FROM events"
                                   " WHERE source = ?1 AND order_id = ?2)",
                                   "SEARCH orders USING PRIMARY KEY (source=? AND id=?);"
                                   " SCALAR SUBQUERY 1; SEARCH events USING COVERING INDEX"
                                   " events_order (source=? AND order_id=?)"},
    [STATEMENT_ORDER_FORGET] = {"DELETE FROM orders WHERE source = ?1 AND id = ?2",
                                "SEARCH orders USING PRIMARY KEY (source=? AND id=?)"},
    [STATEMENT_RECORD_FORGET] = {"DELETE FROM records WHERE id = ?1",
                                 "SEARCH records USING INTEGER PRIMARY KEY (rowid=?)"},
    [STATEMENT_SINK_NAMES] = {"SELECT name FROM sinks", "SCAN sinks"},
    [STATEMENT_TICKET_FORGET] = {"DELETE FROM named_values WHERE key >= ?1 AND key < ?2",
                                 "SEARCH named_values USING PRIMARY KEY (key>? AND key<?)"},
    [STATEMENT_PAGE_COUNT] = {"PRAGMA page_count", ""},
    [STATEMENT_PAGE_FREE_COUNT] = {"PRAGMA freelist_count", ""},
    [STATEMENT_PAGE_RETURN] = {"PRAGMA incremental_vacuum(256)", ""},
};

_Static_assert(ARRAY_COUNT(texts) == STATEMENT_COUNT, "a text for every statement");

const struct statement_text *statement_text(enum statement statement)
{
    CHECK(statement < STATEMENT_COUNT);
    return &texts[statement];
}
