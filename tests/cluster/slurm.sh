#!/bin/bash
# A Slurm cluster of one node on this machine, without root's files, systemd or accounting, for trials and tests.
#
#   slurm.sh start FOLDER [CPUS]   starts munged, slurmctld and slurmd; then: export SLURM_CONF=FOLDER/slurm.conf
#   slurm.sh stop FOLDER           cancels all jobs and ends the three
#
# Needs `slurm-wlm munge` (Debian). FOLDER must be short (a socket lies in it) and writable by nobody else.
set -euo pipefail
action=${1:?start or stop}
folder=$(realpath -m "${2:?a folder}")
cpus=${3:-2}
memory=$(free --mebi | awk "/^Mem:/ {print \$2}")
export PATH=$PATH:/usr/sbin SLURM_CONF=$folder/slurm.conf

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start() {
    mkdir -p "$folder"/{munge,state,spool,logs}
    chmod 700 "$folder" "$folder"/munge
    head -c 128 /dev/urandom >"$folder/munge/key"
    chmod 600 "$folder/munge/key"
    munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
        --log-file="$folder/logs/munged" --seed-file="$folder/munge/seed"
    cat >"$SLURM_CONF" <<CONF
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/logs/slurmctld
SlurmdLogFile=$folder/logs/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
KillWait=5
MpiDefault=none
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    # nothing uses it, but slurmd 22.05 does not start without one
    echo CgroupPlugin=cgroup/v1 >"$folder/cgroup.conf"
    slurmctld || true
    slurmd -N localhost || true # whether it came up is seen below
    for _ in $(seq 60); do
        [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]] && return
        sleep 0.5
    done
    echo "the node did not come up; see $folder/logs" >&2
    stop
    exit 1
}

stop() {
    scancel --user="$(id -un)" 2>/dev/null || true
    for _ in $(seq 20); do
        [[ -z $(squeue --noheader 2>/dev/null) ]] && break
        sleep 0.5
    done
    for pid in slurmd.pid slurmctld.pid munge/pid; do
        [[ -s $folder/$pid ]] && kill "$(<"$folder/$pid")" 2>/dev/null || true
    done
}

"$action"
