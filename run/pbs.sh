#!/bin/bash
#PBS -N spinhydro
#PBS -l select=1:ncpus=1:mpiprocs=1
#PBS -l walltime=24:00:00
#PBS -r y
#PBS -j oe
# A run as a PBS job that continues in another job after its time limit:
#
#   qsub -v PROBLEM=problems/quantum_torque.py,VALUES="Omega_R='2*pi*62*Hz'" run/pbs.sh
#
# The run stops by itself 300 s before the limit (WALL_LIMIT, in seconds, is that of the job),
# writes a checkpoint and ends with exit code 75; this script then submits the next job, which
# continues from there. Results go to runs/job_<number of the first job>.
set -uo pipefail

root="${SPINHYDRO_ROOT:-$PBS_O_WORKDIR}"
if [ ! -f "$root/run/environment" ]; then
    echo "run/pbs.sh: submit from the checkout, or set SPINHYDRO_ROOT to it" >&2
    exit 2
fi
# shellcheck source-path=SCRIPTDIR source=environment
source "$root/run/environment"
cd "$PBS_O_WORKDIR" || exit 2
first="${FIRST_JOB:-${PBS_JOBID%%.*}}"
out="runs/job_$first"

processes=1
[ ! -f "${PBS_NODEFILE:-}" ] || processes="$(wc -l <"$PBS_NODEFILE")"
ranks=()
[ "$processes" -le 1 ] || ranks=(-n "$processes")
limit=(--wall-limit "$((${WALL_LIMIT:-86400} - 300))")
earlier=("$out"/*/[0-9][0-9][0-9][0-9])
if [ -f "${earlier[0]}/run.json" ]; then
    spinhydro resume "${limit[@]}" ${ranks[@]+"${ranks[@]}"} "${earlier[0]}" &
else
    # VALUES holds words as they are typed, with quotes.
    eval "values=(${VALUES:-})"
    # shellcheck disable=SC2154  # set by eval
    spinhydro run "${limit[@]}" ${ranks[@]+"${ranks[@]}"} --out "$out" \
        "${PROBLEM:?name a problem file: qsub -v PROBLEM=…}" ${values[@]+"${values[@]}"} &
fi
run=$!
trap 'interrupted=1; kill -TERM "$run" 2>/dev/null' TERM
# A signal ends `wait`, not the run.
interrupted=1
while [ "$interrupted" -eq 1 ]; do
    interrupted=0
    wait "$run"
    status=$?
done

if [ "$status" -eq 75 ]; then
    qsub -v "FIRST_JOB=$first,PROBLEM=${PROBLEM:-},VALUES=${VALUES:-},WALL_LIMIT=${WALL_LIMIT:-86400}" \
        "$root/run/pbs.sh"
fi
exit "$status"
