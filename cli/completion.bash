# Completion of failover-ip in bash.
_failover_ip() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path='' i choices
    case $before in
        --config) compopt -o default; COMPREPLY=(); return ;;
        --guest | --pool | --hostname | --provider) COMPREPLY=(); return ;;
    esac
    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
            --config) ((++i)) ;;
            -*) ;;
            *) path+=${path:+ }${COMP_WORDS[i]} ;;
        esac
    done
    case $path in
        '') choices='lease pool guest reconcile guard doctor config --config --help --version' ;;
        lease) choices='list acquire release' ;;
        'lease list' | 'pool list' | 'guest explain'* | 'guard status' | doctor) choices='--json --help' ;;
        'lease acquire'*) choices='--guest --pool --hostname --json --dry-run --help' ;;
        'lease release'*) choices='--dry-run --help' ;;
        pool) choices='list sync' ;;
        'pool sync'*) choices='--provider --json --dry-run --help' ;;
        guest) choices='explain' ;;
        reconcile*) choices='--confirm --json --dry-run --help' ;;
        guard) choices='up down status' ;;
        'guard up' | 'guard down') choices='--json --dry-run --help' ;;
        config) choices='check' ;;
        *) choices='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -F _failover_ip failover-ip
