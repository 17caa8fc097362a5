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
# shellcheck source-path=SCRIPTDIR source=job
source "$root/run/job"
cd "$SLURM_SUBMIT_DIR" || exit 2
out="runs/job_$SLURM_JOB_ID"

read -ra ranks <<<"$(with_ranks "${SLURM_NTASKS:-1}")"
earlier=
[ "${SLURM_RESTART_COUNT:-0}" -eq 0 ] || earlier="$(earlier_run "$out")"
if [ -n "$earlier" ]; then
    follow spinhydro resume ${ranks[@]+"${ranks[@]}"} "$earlier"
else
    follow spinhydro run ${ranks[@]+"${ranks[@]}"} --out "$out" "$@"
fi
status=$?

if [ "$status" -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "${RESTARTS:-20}" ]; then
    scontrol requeue "$SLURM_JOB_ID" && exit 0
fi
exit "$status"
