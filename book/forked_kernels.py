"""Start a chapter's kernel as a fork of a process that has imported the library.

Kernels share nothing but these imports, which are most of what a short chapter costs.
"""

from __future__ import annotations

import multiprocessing
import os
from importlib.metadata import EntryPoint
from pathlib import Path

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

IMPORTED = [
    "gradmask.lab.cli.look",
    "gradmask.lab.cli.run",
    "gradmask.lab.cli.train",
    "ipykernel.kernelapp",
    "jupyter_cache",
    "matplotlib.pyplot",
    "nbmake.nb_run",
    "sphinx.application",
]
FORKS = multiprocessing.get_context("forkserver")


class Kernel(FORKS.Process):
    """What of a `subprocess.Popen` the provisioner asks for, as a fork."""

    stdin = stdout = stderr = None

    def __init__(self, cmd: list[str], cwd: Path | str | None, env: dict[str, str]):
        super().__init__()
        self.cmd, self.cwd, self.env = cmd, cwd or ".", env

    def run(self) -> None:
        """Be the kernel, as `python -m ipykernel_launcher` is."""
        import matplotlib
        from ipykernel.kernelapp import launch_new_instance

        os.setsid()
        os.chdir(self.cwd)
        os.environ.clear()
        os.environ.update(self.env)
        matplotlib.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
        parent = f"--IPKernelApp.parent_handle={os.getppid()}"
        launch_new_instance([*self.cmd[3:], parent])

    def poll(self) -> int | None:
        """Return the exit status, once there is one."""
        return self.exitcode

    def wait(self) -> int | None:
        """Return the exit status when there is one."""
        self.join()
        return self.exitcode

    def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel alone."""
        os.kill(self.pid, signum)


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as a fork, which leads a process group of its own."""

    async def launch_kernel(self, cmd: list[str], **kwargs) -> KernelConnectionInfo:
        """Start the kernel."""
        self.process = Kernel(cmd, kwargs.get("cwd"), kwargs["env"])
        self.process.start()
        self.pid = self.pgid = self.process.pid
        self.cwd = kwargs.get("cwd")
        return self.connection_info


def fork_kernels() -> None:
    """Have this process start its kernels so from now on."""
    FORKS.set_forkserver_preload(IMPORTED)
    factory = KernelProvisionerFactory.instance()
    factory.provisioners["forked"] = EntryPoint(
        "forked", f"{__name__}:{ForkedProvisioner.__name__}", factory.GROUP_NAME
    )
    factory.default_provisioner_name = "forked"
