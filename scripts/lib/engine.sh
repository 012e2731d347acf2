# shellcheck shell=bash
# A Docker engine: the one that answers, else Debian's, started here.

engine_socket=${CONFIDEXMON_BED_SOCKET:-/var/run/docker.sock}
engine_pidfile=${CONFIDEXMON_BED_PIDFILE:-/var/run/docker.pid}
engine_log=${CONFIDEXMON_BED_ENGINE_LOG:-$state_dir/dockerd.log}
engine_marker="$state_dir/engine-started-here"

engine_answers() { timeout 5 docker version --format '{{.Server.Version}}' </dev/null 2>"$state_dir/docker-version.err"; }

# Leaves an engine answering, or says what to do. Safe to call twice at once: the second waits.
ensure_engine() {
    local version
    if command -v docker >/dev/null 2>&1 && version=$(engine_answers) && [ -n "$version" ]; then
        say "    engine: Docker $version answers"
        return
    fi
    exec 9>"$state_dir/engine.lock"
    flock -w 180 9 || die "another run has been starting the engine for three minutes" "see $engine_log"
    start_engine
    flock -u 9
    exec 9>&-
}

start_engine() {
    local version
    if command -v docker >/dev/null 2>&1; then
        if version=$(engine_answers) && [ -n "$version" ]; then
            say "    engine: Docker $version answers"
            return
        fi
        refuse_forbidden
    fi
    [ -z "${DOCKER_HOST:-}" ] || die "no engine answers at DOCKER_HOST=$DOCKER_HOST" "start it, or unset DOCKER_HOST to use this machine's"
    if ! command -v dockerd >/dev/null 2>&1; then
        is_root_on_debian || die "there is no Docker engine" "install Docker and start it, or run this as root on Debian"
        apt_install docker.io tini iptables
    fi
    is_root || die "the Docker engine is not running" "start it: sudo systemctl start docker"
    clear_stale_pid
    launch
    await_engine
}

refuse_forbidden() {
    if grep -qi 'permission denied' "$state_dir/docker-version.err"; then
        die "the Docker engine refuses this user" "sudo usermod -aG docker $(id -un), then log in again; or use sudo"
    fi
}

# A pid file whose process is no dockerd keeps the next one from starting.
clear_stale_pid() {
    [ -s "$engine_pidfile" ] || return 0
    local pid
    pid=$(cat "$engine_pidfile")
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != dockerd ]; then
        say "    engine: removing the stale pid file $engine_pidfile"
        rm -f "$engine_pidfile"
    fi
}

launch() {
    say "    engine: starting it"
    if [ -d /run/systemd/system ] && [ -z "${CONFIDEXMON_BED_SOCKET:-}" ]; then
        systemctl start docker >"$engine_log" 2>&1
    else
        # Detached from every stream and descriptor of ours (the lock's too), so that nobody waits for it.
        # shellcheck disable=SC2086
        setsid dockerd -H "unix://$engine_socket" --pidfile "$engine_pidfile" ${CONFIDEXMON_BED_DOCKERD_FLAGS:-} \
            >"$engine_log" 2>&1 </dev/null 9>&- &
        disown
    fi
    touch "$engine_marker"
}

await_engine() {
    local version _
    for _ in $(seq 1 120); do
        if version=$(engine_answers) && [ -n "$version" ]; then
            say "    engine: Docker $version runs"
            return
        fi
        sleep 0.5
    done
    tail -n 20 "$engine_log" >&2
    die "the Docker engine does not answer after one minute" "its log is $engine_log"
}

# Stops the engine when one of these scripts started it.
stop_engine_if_ours() {
    [ -e "$engine_marker" ] || return 0
    rm -f "$engine_marker"
    if [ -d /run/systemd/system ] && [ -z "${CONFIDEXMON_BED_SOCKET:-}" ]; then
        systemctl stop docker docker.socket
        return
    fi
    local pid _
    pid=$(cat "$engine_pidfile" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 1 60); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.5
    done
    say "    engine: stopped"
}
