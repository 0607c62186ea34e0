# orderwatch: `make demo` shows it at work, `make check` proves it. `make help` lists the rest.
#
# One wildcard per folder: a new file is part of the build by being there. What links with what is the
# architecture: core with cJSON and libc only; the daemon with everything; the simulator with core,
# the YAML reader and libmicrohttpd.

MODE    ?= release
ifeq ($(origin CC),default)
CC      := gcc
endif
BUILD   := build/$(MODE)
ifneq ($(filter clang%,$(notdir $(CC))),)
BUILD   := build/$(MODE)-clang
endif
VERSION := 0.1.0
PREFIX  ?= /usr/local

PACKAGES_CORE := libcjson
PACKAGES_EDGE := libuv libcurl libesmtp-1.0 libmosquitto sqlite3 openssl yaml-0.1 gmime-3.0 libical \
                 libmicrohttpd libsystemd
PKG_CONFIG    ?= pkg-config

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual \
            -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wnull-dereference \
            -Wdouble-promotion -Walloca -Wdate-time
WARNINGS_GCC := -Wcast-align=strict -Wformat-signedness -Wimplicit-fallthrough=5 -Wlogical-op \
                -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init
WARNINGS_CLANG := -Wimplicit-fallthrough -Wno-gnu-zero-variadic-macro-arguments \
                  -Wno-string-conversion # CHECK(!"why it cannot be")
ifneq ($(filter clang%,$(notdir $(CC))),)
WARNINGS += $(WARNINGS_CLANG)
else
WARNINGS += $(WARNINGS_GCC)
HARDEN_GCC := -ftrivial-auto-var-init=zero # clang 14 wants it asked for twice
endif
ifdef STRICT
WARNINGS += -Werror
endif

HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE
FLAGS_release := -O2 -g $(HARDEN) $(HARDEN_GCC)
FLAGS_debug   := -O0 -g3
FLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
FLAGS_cov     := -O0 -g --coverage
LINK_release  := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed

CFLAGS  ?=
CPPFLAGS += -D_GNU_SOURCE -DORDERWATCH_VERSION='"$(VERSION)"' \
            -DORDERWATCH_SHARE='"$(PREFIX)/share/orderwatch"' -Iinclude
ALL_CFLAGS = -std=gnu11 $(FLAGS_$(MODE)) $(WARNINGS) $(CFLAGS)
ALL_LDFLAGS = $(FLAGS_$(MODE)) $(LINK_$(MODE)) $(LDFLAGS)

# Third-party headers are system headers: their warnings are theirs.
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null | sed 's/-I/-isystem /g')
CORE_CFLAGS := $(call pkg_cflags,$(PACKAGES_CORE))
EDGE_CFLAGS := $(call pkg_cflags,$(PACKAGES_CORE) $(PACKAGES_EDGE))
CORE_LIBS   := $(shell $(PKG_CONFIG) --libs $(PACKAGES_CORE) 2>/dev/null)
EDGE_LIBS   := $(shell $(PKG_CONFIG) --libs $(PACKAGES_EDGE) 2>/dev/null) -ljq -lz -pthread

CORE_SRC := $(wildcard src/core/*.c)
EDGE_SRC := $(wildcard src/edge/*.c)
CLI_SRC  := $(wildcard src/cli/*.c)
SIMULATOR_SRC := $(wildcard src/simulator/*.c)
CORE_OBJ := $(CORE_SRC:%.c=$(BUILD)/%.o)
EDGE_OBJ := $(EDGE_SRC:%.c=$(BUILD)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(BUILD)/%.o)
SIMULATOR_OBJ := $(SIMULATOR_SRC:%.c=$(BUILD)/%.o)

# make V=1 shows the commands.
Q := $(if $(V),,@)

.PHONY: all
all: build/orderwatch build/orderwatch-sim

# build/orderwatch is always the release build by the default compiler.
build/orderwatch build/orderwatch-sim: build/%: $(BUILD)/%
	@ln -sfn $(MODE)$(if $(findstring -clang,$(BUILD)),-clang)/$* $@

$(BUILD)/orderwatch: $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/*.c)) $(CLI_OBJ) $(BUILD)/edge.a $(BUILD)/core.a
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EDGE_LIBS) $(CORE_LIBS)

$(BUILD)/orderwatch-sim: $(SIMULATOR_OBJ) $(BUILD)/edge.a $(BUILD)/core.a
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EDGE_LIBS) $(CORE_LIBS)

$(BUILD)/core.a: $(CORE_OBJ)
$(BUILD)/edge.a: $(EDGE_OBJ)
$(BUILD)/%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# The one file that is compiled for AVX2; hash.c asks the processor before it calls it.
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
$(BUILD)/src/core/hash_wide.o: ALL_CFLAGS += -mavx2
endif

$(BUILD)/src/core/%.o: src/core/%.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(CORE_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/src/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(EDGE_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

.PHONY: help
help:
	@echo 'make                     build/orderwatch and build/orderwatch-sim (MODE=release|debug|asan|tsan|cov, CC=clang)'
	@echo 'make demo                see it work (ONCE=1: stops by itself, with a verdict)'
	@echo 'make check               every test, two compilers, sanitizers, simulation, real servers'
	@echo 'make unit edge sim       tests of the core, of the adapters, of the core in a simulated world'
	@echo 'make golden              writes the golden mails of tests/unit/golden anew, to be looked at'
	@echo 'make state-file          writes the state of a new schema to tests/edge/state'
	@echo 'make system              tests of the programs against real servers'
	@echo 'make lint layers format-check'
	@echo 'make fuzz                an hour of each fuzz target'
	@echo 'make soak-mqtt           a broker killed every few seconds while EVENTS=100000 events flow'
	@echo 'make bench               measures against peers (MEASURES="sweep mqtt", BENCH_ORDERS=1000000, BENCH_PENDING=1000000)'
	@echo 'make install uninstall   DESTDIR=, PREFIX=$(PREFIX)'
	@echo 'make deb deb-check       the Debian package; built twice, compared, installed and purged'
	@echo 'make oci oci-check       the container image (OCI_BASE=, without: by debootstrap); run as an operator would'
	@echo 'make sbom                packaging/sbom.spdx.json anew'

.PHONY: demo
demo:
	@packaging/install-deps demo
	@echo "building orderwatch and orderwatch-sim"
	@$(MAKE) -s -j2 all
	@ONCE='$(ONCE)' /usr/bin/python3 tests/demo/demo.py

# --- tests ----------------------------------------------------------------------------------------

# tests/unit/NAME_test.c and tests/sim/NAME.c link core, cJSON, libc (and cmocka) only: the rule proves itself.
# tests/edge/NAME_test.c link everything but main.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*_test.c))
EDGE_TESTS := $(patsubst tests/edge/%.c,$(BUILD)/tests/edge/%,$(wildcard tests/edge/*_test.c))
SIM_OBJ    := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c))
SUPPORT_OBJ := $(BUILD)/tests/support/log_quiet.o
CMOCKA_LIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) -I. $(EDGE_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The simulated store and sinks serve unit tests too.
$(BUILD)/sim.a: $(filter-out %/simulation.o,$(SIM_OBJ))

$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(SUPPORT_OBJ) $(BUILD)/sim.a $(BUILD)/core.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS) $(CMOCKA_LIBS)

EDGE_SUPPORT_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/edge/support/*.c))
$(BUILD)/edge_support.a: $(EDGE_SUPPORT_OBJ)

# The edge's archive twice: core asks for the log, which is the edge's.
$(BUILD)/tests/edge/%_test: $(BUILD)/tests/edge/%_test.o $(BUILD)/edge_support.a $(BUILD)/edge.a $(BUILD)/core.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(BUILD)/edge.a $(EDGE_LIBS) $(CORE_LIBS) $(CMOCKA_LIBS)

$(BUILD)/tests/simulation: $(SIM_OBJ) $(SUPPORT_OBJ) $(BUILD)/core.a
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CORE_LIBS)

# SEEDS=n plays more worlds; a failure names the seed, which `simulation --seeds 1 --seed N --trace`
# replays.
SEEDS := 1000
.PHONY: sim
sim: $(BUILD)/tests/simulation
	$(BUILD)/tests/simulation --seeds $(SEEDS)

# Bugs planted in turn: the simulation is worth what it finds. PLANTED sit between the daemon and its
# ports; WRAPPED are linked over functions of the core.
PLANTED := snapshot-first new-id early-done lane-ignored late-joins clock-back-strands window-forgotten \
           maintenance-unknown state-early
WRAPPED := short-page stamp-at-start throttle-ignored retry-after-ignored token-per-sweep refusal-retried \
           look-up-mixes settle-at-once last-step-alone silence-ignored door-open \
           bytes-believed
WRAPS := pager_trust budget_answered budget_throttled retry_after_parse token_is_due api_error_read \
         merge_look_up settle_judge message_compose silence_find route_quiet_until index_set_raw
$(BUILD)/tests/simulation-wrapped: $(BUILD)/tests/planted/wrapped.o $(SIM_OBJ) $(SUPPORT_OBJ) $(BUILD)/core.a
	$(Q)$(CC) $(ALL_LDFLAGS) $(WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(CORE_LIBS)

.PHONY: sim-planted
sim-planted: $(BUILD)/tests/simulation $(BUILD)/tests/simulation-wrapped
	@for bug in $(PLANTED); do echo "== $$bug"; \
	    $(BUILD)/tests/simulation --seeds $(SEEDS) --plant $$bug && { echo "not found"; exit 1; }; true; done
	@for bug in $(WRAPPED); do echo "== $$bug"; \
	    PLANTED_BUG=$$bug $(BUILD)/tests/simulation-wrapped --seeds $(SEEDS) && { echo "not found"; exit 1; }; true; done

.PHONY: objects
objects: $(CORE_OBJ) $(EDGE_OBJ) $(CLI_OBJ) $(SIMULATOR_OBJ) $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/*.c))

.SECONDARY: # keep the objects of tests

.PHONY: unit
unit: $(UNIT_TESTS)
	@for test in $(UNIT_TESTS); do echo "== $$test"; $$test || exit 1; done

# Writes the golden mails anew; look at each difference, and at build/mails/*.html in a browser.
.PHONY: golden
golden: $(BUILD)/tests/unit/message_test $(BUILD)/tests/unit/mail_golden_test
	@mkdir -p build/mails
	@for test in $^; do GOLDEN_UPDATE=1 GOLDEN_HTML=build/mails $$test || exit 1; done
	@git diff --stat -- tests/unit/golden

# A state of the present schema, by a daemon that has had something of everything: for who adds a schema.
.PHONY: state-file
state-file: all
	@packaging/install-deps check
	@/usr/bin/python3 tests/system/make_state.py

.PHONY: edge
edge: $(EDGE_TESTS)
	@for test in $(EDGE_TESTS); do echo "== $$test"; $$test || exit 1; done

# --- fuzzing --------------------------------------------------------------------------------------

FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_FLAGS := -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all

build/fuzz/src/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC   $< (fuzz)"
	$(Q)clang $(CPPFLAGS) $(EDGE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

build/fuzz/core.a: $(CORE_SRC:%.c=build/fuzz/%.o)
build/fuzz/edge.a: $(EDGE_SRC:%.c=build/fuzz/%.o)
build/fuzz/%.a:
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

build/fuzz/%_fuzz: tests/fuzz/%_fuzz.c build/fuzz/edge.a build/fuzz/core.a
	$(Q)clang $(CPPFLAGS) -I. $(EDGE_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ build/fuzz/edge.a \
	    $(EDGE_LIBS) $(CORE_LIBS)

FUZZ_SECONDS ?= 5

fuzz-short: $(FUZZERS)
	@echo "== fuzz targets, $(FUZZ_SECONDS) s each"
	@for fuzzer in $(FUZZERS); do \
	    name=$$(basename $$fuzzer _fuzz); mkdir -p build/fuzz/new/$$name tests/fuzz/corpus/$$name; \
	    $$fuzzer -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=1024 -timeout=10 -verbosity=0 \
	        -artifact_prefix=build/fuzz/ build/fuzz/new/$$name tests/fuzz/corpus/$$name \
	        >build/fuzz/$$name.log 2>&1 || { tail -40 build/fuzz/$$name.log; exit 1; }; done

fuzz:
	$(MAKE) fuzz-short FUZZ_SECONDS=3600

# --- everything at once ---------------------------------------------------------------------------

C_FILES := $(wildcard src/*.c src/*/*.[ch] include/*.h include/*/*.h tests/*/*.[ch] tests/*/support/*.[ch])

.PHONY: check
check:
	@packaging/install-deps check
	@$(MAKE) -s layers format-check
	@echo "== gcc, warnings are errors"
	@$(MAKE) -s -j2 all objects STRICT=1
	@echo "== clang, warnings are errors"
	@$(MAKE) -s -j2 objects STRICT=1 CC=clang
	@$(MAKE) -s lint
	@echo "== unit and edge tests"
	@$(MAKE) -s -j2 unit edge
	@echo "== address and undefined behaviour sanitizers"
	@$(MAKE) -s -j2 unit edge MODE=asan
	@echo "== thread sanitizer"
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/tsan.supp $(MAKE) -s -j2 edge MODE=tsan
	@echo "== simulation"
	@$(MAKE) -s sim sim-planted
	@$(MAKE) -s fuzz-short
	@echo "== system tests"
	@$(MAKE) -s system
	@echo "check: all of it passed"

.PHONY: layers format format-check lint system fuzz-short fuzz
layers:
	@echo "== layers"
	@/usr/bin/python3 tests/static/layers.py

format:
	clang-format -i $(C_FILES)

format-check:
	@echo "== format"
	@clang-format --dry-run -Werror $(C_FILES)

# Files are linted once; a stamp a file, so that a second run looks at what changed.
TIDY_STAMPS := $(patsubst %.c,build/tidy/%.ok,$(wildcard src/*.c src/*/*.c tests/*/*.c tests/*/support/*.c))
build/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- -std=gnu11 $(CPPFLAGS) -I. $(EDGE_CFLAGS) 2>build/tidy/$(notdir $*).log || \
	    { cat build/tidy/$(notdir $*).log; exit 1; }
	@touch $@
$(filter build/tidy/tests/%,$(TIDY_STAMPS)): tests/.clang-tidy tests/bench/.clang-tidy

# cppcheck does not see that CHECK(!"…") does not return; the compilers do (-Wreturn-type).
lint:
	@echo "== clang-tidy"
	@$(MAKE) -s -j2 $(TIDY_STAMPS)
	@echo "== cppcheck"
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppress=missingIncludeSystem --suppress=missingReturn -j2 -Iinclude $(CPPFLAGS) src

# Most of a test is waiting for what it asked for: three files at a time. TESTS=FILES picks.
TESTS ?= tests/system
system: all
	@/usr/bin/python3 -m pytest -q -x -n 3 --dist loadfile $(TESTS)

# Peers of the measures. MEASURES="sweep scale" picks, BENCH_ORDERS=1000000 is the full size.
# A broker that is killed every few seconds while EVENTS (100,000) events flow.
.PHONY: soak-mqtt
soak-mqtt: all
	@packaging/install-deps check
	@/usr/bin/python3 tests/system/mqtt_soak.py

.PHONY: bench
BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(filter-out %/turn_probe.c,$(wildcard tests/bench/*.c))) \
           $(BUILD)/tests/bench/turn_probe.so \
           $(patsubst tests/bench/%.cpp,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.cpp))
# These are the daemon's own parts.
$(BUILD)/tests/bench/webhook_latency $(BUILD)/tests/bench/mqtt_latency: $(BUILD)/tests/bench/support/latency.o \
    $(BUILD)/edge.a $(BUILD)/core.a
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EDGE_LIBS) $(CORE_LIBS)
$(BUILD)/tests/bench/%: tests/bench/%.cpp
	@mkdir -p $(@D)
	$(Q)g++ -O2 -o $@ $< -lsimdjson
$(BUILD)/tests/bench/%.so: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu11 -O2 -Wall -Wextra -fPIC -shared -o $@ $<
bench:
	@packaging/install-deps bench
	@$(MAKE) -s all $(BENCHES)
	@/usr/bin/python3 tests/bench/bench.py

.PHONY: clean
clean:
	rm -rf build

include packaging/packaging.mk

-include $(shell find build -path build/oci -prune -o -name '*.d' -type f -not -path 'build/deb*' -print 2>/dev/null)
