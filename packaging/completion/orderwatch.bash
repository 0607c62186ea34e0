# bash completion for orderwatch. Commands, options and operands are what the program's own --help says, the names
# of sources and sinks what its configuration says, so that nothing here can be out of date.

_orderwatch_commands() {
    "$1" --help 2>/dev/null | awk '/^commands:/ { on = 1; next } on && /^  [a-z]/ { print $1 }'
}

# The names in one list of the configuration: PROGRAM sources|sinks [-c FILE]
_orderwatch_names() {
    local program=$1 list=$2
    shift 2
    "$program" check --print "$@" 2>/dev/null |
        awk -v list="$list:" '/^[a-z]/ { on = $1 == list } on && /^  - name: / { print $3 }'
}

# What a place holder of a usage line stands for: PROGRAM PLACE_HOLDER [-c FILE]
_orderwatch_values() {
    local program=$1 holder=$2
    shift 2
    case $holder in
    *SOURCE*) _orderwatch_names "$program" sources "$@" ;;
    esac
    case $holder in
    *SINK*) _orderwatch_names "$program" sinks "$@" ;;
    [a-z]*\|*) tr '|' '\n' <<<"$holder" ;;
    esac
}

_orderwatch() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_orderwatch_commands "$program") --help --version" -- "$word")
        return
    fi
    local help config=() index holder
    help=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null) || return
    for ((index = 2; index < COMP_CWORD - 1; index++)); do
        case ${COMP_WORDS[index]} in
        -c | --config) config=(-c "${COMP_WORDS[index + 1]}") ;;
        esac
    done
    if [[ $before == -* ]]; then
        holder=$(grep -oE -m 1 -- "(^|[^a-z-])${before}[ =][A-Z][A-Z|]*" <<<"$help" | head -n 1)
        holder=${holder##*[ =]}
        case $before in
        --source | --sink) holder=${before#--} holder=${holder^^} ;;
        --severity) holder=info\|notice\|warning\|critical ;;
        esac
        if [ "$before" = -c ] || [ "$holder" = FILE ]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
        fi
        [ -z "$holder" ] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_orderwatch_values "$program" "$holder" "${config[@]}")" -- "$word")
        [ -z "$holder" ] || return
    fi
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(grep -E '^usage:|^ +(-|orderwatch)' <<<"$help" |
            grep -oE -- '(^|[[ ,|])--[a-z][a-z-]*' | tr -d '[ ,|' |
            sort -u) --help" -- "$word")
        return
    fi
    holder=$(sed -n '/^usage:/,/^[A-Z]/{/^[A-Z]/d;s/\[-[^]]*]//g;s/ --[a-z]* [A-Z|]*//g;p}' <<<"$help" |
        grep -oE '[ [](SOURCE|SINK|FILE|add)[A-Za-z|]*' | tr -d ' [' | tr '\n' ' ')
    if [[ " $holder" == *" FILE "* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$(for index in $holder; do
        _orderwatch_values "$program" "$index" "${config[@]}"
    done)" -- "$word")
}

complete -o filenames -F _orderwatch orderwatch
