# Installing, the Debian package, the bill of materials, the image. Included by the Makefile.

DESTDIR     ?=
INSTALL     ?= install
MAN_DIR     ?= $(PREFIX)/share/man
UNIT_DIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERS_DIR ?= $(PREFIX)/lib/sysusers.d
TMPFILES_DIR ?= $(PREFIX)/lib/tmpfiles.d
EXAMPLE_DIR ?= $(PREFIX)/share/doc/orderwatch/examples
BASH_COMPLETION_DIR ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION_DIR  ?= $(PREFIX)/share/zsh/site-functions
SHARE_DIR   := $(PREFIX)/share/orderwatch

# Every installed file as SOURCE:DESTINATION, so that uninstall takes away exactly what install brought.
INSTALLED_PROGRAMS := $(foreach name,orderwatch orderwatch-sim,$(BUILD)/$(name):$(PREFIX)/bin/$(name))
INSTALLED_FILES := \
    $(foreach file,$(wildcard conf/*.json conf/profiles/*.yaml conf/formats/*.jq conf/scenarios/*.yaml conf/page/*),\
        $(file):$(SHARE_DIR)/$(file:conf/%=%)) \
    conf/orderwatch.yaml:$(EXAMPLE_DIR)/orderwatch.yaml \
    $(foreach section,1 5 8,$(foreach page,$(wildcard packaging/man/*.$(section)),\
        $(page):$(MAN_DIR)/man$(section)/$(notdir $(page)))) \
    $(foreach file,$(wildcard packaging/completion/*.bash),\
        $(file):$(BASH_COMPLETION_DIR)/$(basename $(notdir $(file)))) \
    $(foreach file,$(wildcard packaging/completion/_*),$(file):$(ZSH_COMPLETION_DIR)/$(notdir $(file))) \
    packaging/orderwatch.sysusers:$(SYSUSERS_DIR)/orderwatch.conf \
    packaging/orderwatch.tmpfiles:$(TMPFILES_DIR)/orderwatch.conf
UNIT := $(UNIT_DIR)/orderwatch.service

place = $(INSTALL) -D -m $(1) $(firstword $(subst :, ,$(2))) '$(DESTDIR)$(lastword $(subst :, ,$(2)))' &&
placed = $(foreach file,$(INSTALLED_PROGRAMS) $(INSTALLED_FILES),'$(DESTDIR)$(lastword $(subst :, ,$(file)))')

ifneq ($(words [$(PREFIX)]),1)
$(error PREFIX is '$(PREFIX)': only a path without spaces can be one; DESTDIR may have them)
endif

.PHONY: install uninstall
# Nothing below /etc: the configuration is the operator's.
install: $(BUILD)/orderwatch $(BUILD)/orderwatch-sim
	$(Q)$(foreach file,$(INSTALLED_PROGRAMS),$(call place,755,$(file))) true
	$(Q)$(foreach file,$(INSTALLED_FILES),$(call place,644,$(file))) true
	$(Q)$(INSTALL) -d '$(DESTDIR)$(UNIT_DIR)'
	$(Q)sed 's|/usr/bin/orderwatch|$(PREFIX)/bin/orderwatch|' packaging/systemd/orderwatch.service \
	    >'$(DESTDIR)$(UNIT)' && chmod 644 '$(DESTDIR)$(UNIT)'

uninstall:
	$(Q)rm -f $(placed) '$(DESTDIR)$(UNIT)'
	$(Q)for folder in '$(SHARE_DIR)/profiles' '$(SHARE_DIR)/formats' '$(SHARE_DIR)/scenarios' '$(SHARE_DIR)/page' '$(SHARE_DIR)' \
	    '$(EXAMPLE_DIR)' '$(patsubst %/,%,$(dir $(EXAMPLE_DIR)))'; do \
	    rmdir --ignore-fail-on-non-empty '$(DESTDIR)'"$$folder" 2>/dev/null || true; done

# --- the Debian package -------------------------------------------------------------------------------------------

DEB_FOLDER ?= build/deb
DEB_TREE   = $(DEB_FOLDER)/orderwatch-$(VERSION)
DEB        = $(DEB_FOLDER)/orderwatch_$(VERSION)_$(shell dpkg --print-architecture).deb
# The time of everything in the package: the last commit's; without git, the changelog's (dpkg takes it by itself).
LAST_COMMIT_TIME = $(shell git log -1 --format=%ct 2>/dev/null)

.PHONY: deb deb-check
deb:
	@packaging/install-deps deb
	@rm -rf '$(DEB_FOLDER)' && mkdir -p '$(DEB_TREE)'
	@tar -c --exclude=./build --exclude=./.git . | tar -x -C '$(DEB_TREE)'
	@mv '$(DEB_TREE)/packaging/debian' '$(DEB_TREE)/debian'
	@cd '$(DEB_TREE)' && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	    $(if $(LAST_COMMIT_TIME),SOURCE_DATE_EPOCH=$(LAST_COMMIT_TIME)) \
	    dpkg-buildpackage -us -uc -b -j2 >../build.log 2>&1 || { tail -30 ../build.log; exit 1; }
	@blhc --all '$(DEB_FOLDER)/build.log'
	@lintian --allow-root --display-info --pedantic --fail-on error,warning,info,pedantic --tag-display-limit 0 '$(DEB)'
	@echo '$(DEB)'

# The same bytes from another folder, time zone, locale and umask; then installed, upgraded and purged.
deb-check: all
	@$(MAKE) -s deb
	@umask 077; TZ=Pacific/Chatham LC_ALL=C.UTF-8 LANG=fr_FR.UTF-8 $(MAKE) -s deb DEB_FOLDER=build/deb-in-another-folder
	@cmp '$(DEB)' 'build/deb-in-another-folder/$(notdir $(DEB))'
	@DEB='$(DEB)' /usr/bin/python3 -m pytest -q tests/package/test_deb.py tests/package/test_fresh_system.py

# --- the image ----------------------------------------------------------------------------------------------------

# From a registry: OCI_BASE=docker.io/library/debian:bookworm-slim. One of localhost is made by debootstrap.
OCI_BASE   ?= localhost/debian:bookworm-slim
OCI_FOLDER := $(CURDIR)/build/oci
OCI_IMAGE   = localhost/orderwatch:$(VERSION)
OCI_ARCHIVE = build/oci/orderwatch_$(VERSION)_$(shell dpkg --print-architecture).oci.tar
# With a storage of its own, and all that works inside of a container, too.
OCI_PODMAN := podman --root $(OCI_FOLDER)/storage --runroot $(OCI_FOLDER)/run --tmpdir $(OCI_FOLDER)/tmp \
              --storage-driver vfs --runtime runc --cgroup-manager cgroupfs --events-backend none

.PHONY: oci oci-check
oci:
	@packaging/install-deps oci
	@mkdir -p '$(OCI_FOLDER)'
	$(if $(filter localhost/%,$(OCI_BASE)),@$(OCI_PODMAN) image exists '$(OCI_BASE)' || \
	    { packaging/oci-base '$(OCI_FOLDER)/base' && \
	      tar -C '$(OCI_FOLDER)/base' --numeric-owner --exclude='./dev/*' -c . | \
	      $(OCI_PODMAN) import -q - '$(OCI_BASE)' >/dev/null && rm -rf '$(OCI_FOLDER)/base'; })
	@$(OCI_PODMAN) build -q --isolation chroot --layers=false --build-arg BASE='$(OCI_BASE)' \
	    $(if $(LAST_COMMIT_TIME),--timestamp $(LAST_COMMIT_TIME)) \
	    --label org.opencontainers.image.version='$(VERSION)' \
	    --label org.opencontainers.image.revision='$(shell git rev-parse HEAD 2>/dev/null)' \
	    -t '$(OCI_IMAGE)' -f packaging/Containerfile . >'$(OCI_FOLDER)/build.log' 2>&1 || \
	    { tail -30 '$(OCI_FOLDER)/build.log'; exit 1; }
	@$(OCI_PODMAN) image prune -f >/dev/null
	@rm -f '$(OCI_ARCHIVE)' && $(OCI_PODMAN) push -q '$(OCI_IMAGE)' 'oci-archive:$(OCI_ARCHIVE):$(OCI_IMAGE)'
	@echo '$(OCI_ARCHIVE)'

# Run as an operator would: not root, nothing writable but the state.
oci-check: all
	@$(MAKE) -s oci
	@OCI_PODMAN='$(OCI_PODMAN)' OCI_IMAGE='$(OCI_IMAGE)' /usr/bin/python3 -m pytest -q tests/package/test_image.py

# --- the bill of materials ----------------------------------------------------------------------------------------

.PHONY: sbom
sbom: $(BUILD)/orderwatch $(BUILD)/orderwatch-sim
	@$(if $(LAST_COMMIT_TIME),SOURCE_DATE_EPOCH=$(LAST_COMMIT_TIME)) packaging/sbom $^ >build/sbom.spdx.json
	@mv build/sbom.spdx.json packaging/sbom.spdx.json
