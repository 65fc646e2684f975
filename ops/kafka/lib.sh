# shellcheck shell=bash
# Shared by the scripts under ops/kafka. Source it after ops/lib.sh.

kafka_version=$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' "$root/ops/kafka/pom.xml")

# Where Kafka's programs are kept, shared by all checkouts of a user.
kafka_home=${NRWDIREKT_TEST_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/nrwdirekt/kafka-$kafka_version}

# Makes sure of Java (sets `java`) and of Kafka's programs; downloads them once with Maven.
need_kafka() {
    local wanted fresh
    java=$(need_java)
    wanted=$(cksum <"$root/ops/kafka/pom.xml")
    if kafka_is_downloaded "$wanted"; then return 0; fi

    command -v mvn >/dev/null 2>&1 || need_debian_packages maven
    mkdir -p "$kafka_home"
    exec 7>"$kafka_home/download.lock"
    flock 7
    if ! kafka_is_downloaded "$wanted"; then
        step "downloading Apache Kafka $kafka_version (once, about 55 MB) to $kafka_home"
        fresh=$kafka_home/libs.new
        rm -rf "$fresh"
        # -U: a look-up that failed before is tried again.
        mvn -q -B -U -Dstyle.color=never -f "$root/ops/kafka/pom.xml" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$fresh" </dev/null >"$kafka_home/download.log" 2>&1 || {
            show_tail "$kafka_home/download.log"
            fail 1 "Apache Kafka could not be downloaded with Maven."
        }
        rm -rf "$kafka_home/libs"
        mv "$fresh" "$kafka_home/libs"
        printf '%s\n' "$wanted" >"$kafka_home/libs/complete"
    fi
    exec 7>&-
}

kafka_is_downloaded() { [[ $(cat "$kafka_home/libs/complete" 2>/dev/null) == "$1" ]]; }

# Runs one of Kafka's command line programs by its class: `kafka_program CLASS ARGS…`.
kafka_program() {
    "$java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Dlog4j2.configurationFile="$root/ops/kafka/log4j2-tools.properties" -cp "$kafka_home/libs/*" "$@"
}

# True when the broker of the folder runs.
kafka_is_running() { is_process "$(cat "$dir/kafka.pid" 2>/dev/null || true)" "kafka.Kafka $dir/server.properties"; }

# True when a broker answers on the port: it sends ApiVersions and waits for the reply. A broker answers only when it
# is registered and not fenced.
kafka_answers() {
    local reply
    exec 6<>"/dev/tcp/127.0.0.1/$1" || return 1
    # Size 10, key 18 (ApiVersions), version 0, correlation id 1, no client id.
    printf '\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff' >&6
    reply=$(timeout 2 head -c 10 <&6 | od -An -v -tx1 | tr -d ' \n')
    exec 6>&-
    # After the size come the correlation id and error code 0.
    [[ ${reply:8:12} == 000000010000 ]]
} 2>/dev/null
