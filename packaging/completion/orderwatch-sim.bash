# bash completion for orderwatch-sim: its options, the shipped scenarios, files.

_orderwatch_sim() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
    local path share=${ORDERWATCH_SHARE:-} names=()
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' |
            sort -u) --help" -- "$word")
        return
    fi
    if [ -z "$share" ]; then
        path=$(type -P "$program") && share=$(dirname "$path")/../share/orderwatch
    fi
    for path in "$share"/scenarios/*.yaml; do
        [ -e "$path" ] && path=${path##*/} && names+=("${path%.yaml}")
    done
    mapfile -t COMPREPLY < <(compgen -W "${names[*]}" -- "$word"; compgen -f -- "$word")
}

complete -o filenames -F _orderwatch_sim orderwatch-sim
