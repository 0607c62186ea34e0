# Installing, the Debian package, the bill of materials, the image. Included by the Makefile.

DESTDIR     ?=
INSTALL     ?= install
MAN_DIR     ?= $(PREFIX)/share/man
UNIT_DIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERS_DIR ?= $(PREFIX)/lib/sysusers.d
EXAMPLE_DIR ?= $(PREFIX)/share/doc/orderwatch/examples
BASH_COMPLETION_DIR ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETION_DIR  ?= $(PREFIX)/share/zsh/site-functions
SHARE_DIR   := $(PREFIX)/share/orderwatch

# Every installed file as SOURCE:DESTINATION, so that uninstall takes away exactly what install brought.
INSTALLED_PROGRAMS := $(foreach name,orderwatch orderwatch-sim,$(BUILD)/$(name):$(PREFIX)/bin/$(name))
INSTALLED_FILES := \
    $(foreach file,$(wildcard conf/profiles/*.yaml conf/formats/*.jq conf/scenarios/*.yaml),\
        $(file):$(SHARE_DIR)/$(file:conf/%=%)) \
    conf/orderwatch.schema.json:$(SHARE_DIR)/orderwatch.schema.json \
    conf/orderwatch.yaml:$(EXAMPLE_DIR)/orderwatch.yaml \
    $(foreach section,1 5 8,$(foreach page,$(wildcard packaging/man/*.$(section)),\
        $(page):$(MAN_DIR)/man$(section)/$(notdir $(page)))) \
    $(foreach file,$(wildcard packaging/completion/*.bash),\
        $(file):$(BASH_COMPLETION_DIR)/$(basename $(notdir $(file)))) \
    $(foreach file,$(wildcard packaging/completion/_*),$(file):$(ZSH_COMPLETION_DIR)/$(notdir $(file))) \
    packaging/orderwatch.sysusers:$(SYSUSERS_DIR)/orderwatch.conf
UNIT := $(UNIT_DIR)/orderwatch.service

place = $(INSTALL) -D -m $(1) $(firstword $(subst :, ,$(2))) '$(DESTDIR)$(lastword $(subst :, ,$(2)))' &&
placed = $(foreach file,$(INSTALLED_PROGRAMS) $(INSTALLED_FILES),'$(DESTDIR)$(lastword $(subst :, ,$(file)))')

.PHONY: install uninstall
# Nothing below /etc: the configuration is the operator's.
install: $(BUILD)/orderwatch $(BUILD)/orderwatch-sim
	$(Q)$(foreach file,$(INSTALLED_PROGRAMS),$(call place,755,$(file))) true
	$(Q)$(foreach file,$(INSTALLED_FILES),$(call place,644,$(file))) true
	$(Q)$(INSTALL) -d '$(DESTDIR)$(UNIT_DIR)' '$(DESTDIR)$(SHARE_DIR)/formats'
	$(Q)sed 's|/usr/bin/orderwatch|$(PREFIX)/bin/orderwatch|' packaging/systemd/orderwatch.service \
	    >'$(DESTDIR)$(UNIT)' && chmod 644 '$(DESTDIR)$(UNIT)'

uninstall:
	$(Q)rm -f $(placed) '$(DESTDIR)$(UNIT)'
	$(Q)for folder in '$(SHARE_DIR)/profiles' '$(SHARE_DIR)/formats' '$(SHARE_DIR)/scenarios' '$(SHARE_DIR)' \
	    '$(EXAMPLE_DIR)' '$(patsubst %/,%,$(dir $(EXAMPLE_DIR)))'; do \
	    rmdir --ignore-fail-on-non-empty '$(DESTDIR)'"$$folder" 2>/dev/null || true; done
