# shellcheck shell=bash
# The images of the stack: the official ones where a registry answers, else real Prometheus,
# Alertmanager, Redis and its exporter from Debian's packages, and a test double of Grafana.

images_file="$state_dir/images.env"
suite=${CONFIDEXMON_BED_SUITE:-forky}
packages=prometheus,prometheus-alertmanager,prometheus-redis-exporter,redis-server,ca-certificates,busybox-static,python3-minimal,python3-yaml,libpython3-stdlib

# Exports CONFIDEXMON_IMAGE_* where the settings' own images cannot be had, and says which it was.
ensure_images() {
    local hash
    hash=$(bed_hash)
    if load_cached "$hash"; then
        return
    fi
    exec 8>"$state_dir/images.lock"
    flock -w 900 8 || die "another run has been building images for a quarter of an hour"
    if ! load_cached "$hash"; then
        if official_images; then
            printf 'images_hash=%s\nimages_kind=official\n' "$hash" >"$images_file"
            say "    images: the official ones, from their registry"
        else
            build_bed "$hash"
        fi
        load_cached "$hash" || die "the images are not there after they were made"
    fi
    flock -u 8
    exec 8>&-
}

# Everything that decides what the images hold.
bed_hash() {
    (cd "$root" && cat tests/bed/images/* tests/bed/grafana/* && echo "$suite $packages" && official_names) | sha256sum | cut -c1-16
}

official_names() { sed -n 's/^  \(prometheus\|grafana\|alertmanager\|redis\|redis_exporter\): \(docker.io[^ ]*\)$/\1 \2/p' "$root/config/confidexmon.yml"; }

load_cached() {
    local images_hash=''
    images_kind=''
    [ -s "$images_file" ] || return 1
    # shellcheck disable=SC1090
    . "$images_file"
    [ "$images_hash" = "$1" ] || return 1
    if [ "$images_kind" = bed ]; then
        docker image inspect "$CONFIDEXMON_IMAGE_PROMETHEUS" "$CONFIDEXMON_IMAGE_ALERTMANAGER" "$CONFIDEXMON_IMAGE_REDIS" \
            "${CONFIDEXMON_IMAGE_REDIS_EXPORTER:-}" "$CONFIDEXMON_IMAGE_GRAFANA" >/dev/null 2>&1 || return 1
        export CONFIDEXMON_IMAGE_PROMETHEUS CONFIDEXMON_IMAGE_ALERTMANAGER CONFIDEXMON_IMAGE_REDIS CONFIDEXMON_IMAGE_REDIS_EXPORTER CONFIDEXMON_IMAGE_GRAFANA
        say "    images: built from Debian's packages; Grafana is a test double"
    else
        official_names | cut -d' ' -f2 | xargs docker image inspect >/dev/null 2>&1 || return 1
        say "    images: the official ones"
    fi
    export images_kind
}

# True when all official images are here or could be pulled. A registry that does not answer within
# five seconds is given up.
official_images() {
    local name image
    [ "${CONFIDEXMON_BED_IMAGES:-auto}" != bed ] || return 1
    while read -r name image; do
        docker image inspect "$image" >/dev/null 2>&1 || pull "$image" || return 1
        say "    images: $name is $image"
    done < <(official_names)
}

pull() {
    local log="$state_dir/pull.log" pid _
    docker pull "$1" >"$log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 1 50); do
        if grep -q 'Pulling from' "$log"; then
            wait "$pid"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null && return 0
    say "    images: no registry answers for $1 ($(tail -n 1 "$log"))"
    return 1
}

build_bed() {
    local hash=$1 context prometheus alertmanager redis exporter
    say "    images: building real Prometheus, Alertmanager, Redis and its exporter from Debian's packages"
    context=$(mktemp -d "$cache_dir/build.XXXXXX")
    make_rootfs
    ln "$cache_dir/rootfs-$suite.tar" "$context/rootfs.tar"
    cp "$root"/tests/bed/images/* "$context/"
    mkdir "$context/grafana" && cp "$root"/tests/bed/grafana/* "$context/grafana/"
    build "$context" base "confidexmon-bed/base:$hash"
    prometheus=$(version_in "$hash" prometheus --version)
    alertmanager=$(version_in "$hash" alertmanager --version)
    redis=$(docker run --rm --entrypoint redis-server "confidexmon-bed/base:$hash" --version | sed 's/.*v=\([0-9.]*\).*/\1/')
    exporter=$(docker run --rm --entrypoint redis_exporter "confidexmon-bed/base:$hash" --version 2>&1 | sed -n 's/.*Exporter \([0-9.]*\).*/\1/p')
    build "$context" prometheus "confidexmon-bed/prometheus:$prometheus" "$hash"
    build "$context" alertmanager "confidexmon-bed/alertmanager:$alertmanager" "$hash"
    build "$context" redis "confidexmon-bed/redis:$redis" "$hash"
    build "$context" redis-exporter "confidexmon-bed/redis-exporter:$exporter" "$hash"
    build "$context" grafana-double "confidexmon-bed/grafana-double:13.2.0" "$hash"
    rm -rf "$context"
    cat >"$images_file" <<END
images_hash=$hash
images_kind=bed
CONFIDEXMON_IMAGE_PROMETHEUS=confidexmon-bed/prometheus:$prometheus
CONFIDEXMON_IMAGE_ALERTMANAGER=confidexmon-bed/alertmanager:$alertmanager
CONFIDEXMON_IMAGE_REDIS=confidexmon-bed/redis:$redis
CONFIDEXMON_IMAGE_REDIS_EXPORTER=confidexmon-bed/redis-exporter:$exporter
CONFIDEXMON_IMAGE_GRAFANA=confidexmon-bed/grafana-double:13.2.0
END
}

# The packages unpacked, without their scripts run: a tar of about 350 MB, made in a quarter of a minute.
make_rootfs() {
    local tar="$cache_dir/rootfs-$suite.tar" part="$cache_dir/part-$suite.tar" wanted="$cache_dir/rootfs-$suite.packages"
    if [ -s "$tar" ] && [ "$(cat "$wanted" 2>/dev/null)" = "$packages" ]; then
        return
    fi
    is_root || die "building images needs root" "use sudo, or log in to a registry that has the official images"
    command -v mmdebstrap >/dev/null 2>&1 || apt_install mmdebstrap
    say "    images: fetching the packages of Debian $suite"
    # The file's ending decides its format. The validity check is off for mirrors whose release file is past its date.
    if ! mmdebstrap --variant=extract --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
        --include="$packages" "$suite" "$part" >"$state_dir/mmdebstrap.log" 2>&1 </dev/null; then
        tail -n 20 "$state_dir/mmdebstrap.log" >&2
        die "fetching the packages failed" "the whole log is $state_dir/mmdebstrap.log"
    fi
    mv "$part" "$tar"
    printf '%s' "$packages" >"$wanted"
}

build() {
    local context=$1 name=$2 tag=$3 base=${4:-}
    if ! DOCKER_BUILDKIT=0 docker build -q -f "$context/$name.Dockerfile" --build-arg "BASE=confidexmon-bed/base:$base" \
        -t "$tag" "$context" >"$state_dir/build.log" 2>&1 </dev/null; then
        tail -n 20 "$state_dir/build.log" >&2
        die "building $tag failed"
    fi
    say "    images: $tag"
}

version_in() { docker run --rm --entrypoint "$2" "confidexmon-bed/base:$1" "$3" 2>&1 | sed -n '1s/.*version \([0-9.]*\).*/\1/p'; }
