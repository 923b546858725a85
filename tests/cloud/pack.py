"""Packs built programs as Lambda wants them: <out>/<name>/bootstrap.zip with one file, `bootstrap`.

    pack.py <folder of the programs> <out> <name>...
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile


def pack(program: pathlib.Path, target: pathlib.Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        bootstrap = pathlib.Path(folder, "bootstrap")
        shutil.copyfile(program, bootstrap)
        # Without what only a debugger reads; a machine that has no strip does with the whole.
        if shutil.which("strip"):
            subprocess.run(["strip", str(bootstrap)], check=True)
        # A fixed time, so that the same program makes the same package.
        entry = zipfile.ZipInfo("bootstrap", date_time=(2020, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(target, "w", compresslevel=1) as package:
            package.writestr(entry, bootstrap.read_bytes(), compresslevel=1)


if __name__ == "__main__":
    source, out, *names = sys.argv[1:]
    for name in names:
        pack(pathlib.Path(source, name), pathlib.Path(out, name, "bootstrap.zip"))
