#!/bin/bash
#SBATCH --job-name=spinhydro
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
# A run as a SLURM job that continues after its time limit, a preemption or a lost node:
#
#   sbatch run/slurm.sh problems/quantum_torque.py Omega_R='2*pi*62*Hz'
#   sbatch --ntasks=16 run/slurm.sh problems/tight_tube.py      # 16 ranks
#
# 300 s before the limit SLURM sends USR1 to this script, which passes it on. The run then writes a
# checkpoint and ends with exit code 75, and the job requeues itself. After a
# requeue, `spinhydro resume` continues from the last checkpoint, to the same bytes.
# Results go to runs/job_<number of the job>; RESTARTS (20) limits the number of requeues.
set -uo pipefail

# sbatch copies this script, so the checkout is where the job was submitted.
root="${SPINHYDRO_ROOT:-$SLURM_SUBMIT_DIR}"
if [ ! -f "$root/run/environment" ]; then
    echo "run/slurm.sh: submit from the checkout, or set SPINHYDRO_ROOT to it" >&2
    exit 2
fi
# shellcheck source-path=SCRIPTDIR source=environment
source "$root/run/environment"
cd "$SLURM_SUBMIT_DIR" || exit 2
out="runs/job_$SLURM_JOB_ID"

ranks=()
[ "${SLURM_NTASKS:-1}" -le 1 ] || ranks=(-n "$SLURM_NTASKS")
earlier=("$out"/*/[0-9][0-9][0-9][0-9])
if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ -f "${earlier[0]}/run.json" ]; then
    spinhydro resume ${ranks[@]+"${ranks[@]}"} "${earlier[0]}" &
else
    spinhydro run ${ranks[@]+"${ranks[@]}"} --out "$out" "$@" &
fi
run=$!
trap 'interrupted=1; kill -USR1 "$run" 2>/dev/null' USR1
trap 'interrupted=1; kill -TERM "$run" 2>/dev/null' TERM
# A signal ends `wait`, not the run.
interrupted=1
while [ "$interrupted" -eq 1 ]; do
    interrupted=0
    wait "$run"
    status=$?
done

if [ "$status" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "${RESTARTS:-20}" ]; then
    scontrol requeue "$SLURM_JOB_ID" && exit 0
fi
exit "$status"
