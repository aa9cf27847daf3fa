#!/bin/bash
# Trains on the nodes of a Slurm cluster, and goes on in a new job when the time of this one is nearly up:
#
#   sbatch --nodes 4 --time 02:00:00 deploy/slurm.sh train rows.parquet --target y --out runs/rows
#
# The program is built with the feature mpi against the cluster's MPI; the working directory is on all nodes. Without --out each
# job would begin a run of its own.
#SBATCH --job-name thalweg
#SBATCH --ntasks-per-node 1
#SBATCH --requeue
#SBATCH --open-mode append
# Two minutes before the end, to this script.
#SBATCH --signal B:USR1@120

# To the ranks, which write a checkpoint and end with 138.
trap 'kill -USR1 "$steps"' USR1

srun --kill-on-bad-exit=1 "${THALWEG:-thalweg}" "$@" --threads "${SLURM_CPUS_PER_TASK:-0}" &
steps=$!
wait "$steps"
code=$?
# The trap ends the first wait, with a code of its own.
while kill -0 "$steps" 2>/dev/null; do
    wait "$steps"
    code=$?
done

if [ "$code" = 138 ]; then
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$code"
