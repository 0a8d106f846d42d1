"""How the trainer is started on several devices: by torchrun on this machine, or by a Slurm script.

Every start is the same module with the same file, `python -m mathmill.train_hooks.trainer CONFIG`, and numbers of the
processes in the environment. On Slurm, srun starts them itself: torchrun would kill them 30 s after the signal that
comes two minutes before the job's time is up, however long the state takes to save. A job that has saved queues again.
"""

import shlex
import sys
from pathlib import Path

from mathmill.train_hooks.trainer.guard import STOPPED

MODULE = "mathmill.train_hooks.trainer"


def argv(config: Path, processes: int = 1) -> list[str]:
    """The command for this machine; more than one process by torchrun."""
    if processes == 1:
        return [sys.executable, "-m", MODULE, str(config)]
    return [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"),
        *("-m", MODULE, str(config)),
    ]


def slurm_script(config: Path, name: str, nodes: int, processes: int, logs: Path) -> str:
    """A script for sbatch: `processes` GPUs on each node, a process for each."""
    start = (
        "RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS "
        f"exec {shlex.quote(sys.executable)} -m {MODULE} {shlex.quote(str(config))}"
    )
    return f"""#!/bin/bash
#SBATCH --job-name={shlex.quote(name)}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node={processes}
#SBATCH --gpus-per-node={processes}
#SBATCH --output={shlex.quote(str(logs))}/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=TERM@120

export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1) MASTER_PORT=29500
srun --kill-on-bad-exit=0 bash -c {shlex.quote(start)}
status=$?
[ $status = {STOPPED} ] && scontrol requeue "$SLURM_JOB_ID"
exit $status
"""
