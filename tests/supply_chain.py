#!/usr/bin/env python3
"""Checks what this project takes from others against deny.toml, without a network but for cargo's own registry.

cargo-deny does the same and looks for advisories besides, but needs minutes to be built and a network for its database.
Here each workspace's Cargo.lock is held against the policy, and against what the crate promises: its minimum Rust version,
and that what is linked into a firmware is a known list of crates, each under MIT.

The last line is "N passed, N failed".
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSPACES = ("Cargo.toml", "tests/fuzz/Cargo.toml")
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"
# All that is linked into a firmware. What comes anew is looked at first, then written down here.
FIRMWARE = {"byteorder", "embedded-io", "hash32", "heapless", "memchr", "nom", "stable_deref_trait"}


def metadata(manifest):
    """What cargo knows of a workspace; an error if its Cargo.lock is not up to date."""
    command = ["cargo", "metadata", "--locked", "--all-features", "--format-version", "1", "--manifest-path", manifest]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def others(workspace):
    """The packages that are not in this repository."""
    return [package for package in workspace["packages"] if package["id"] not in workspace["workspace_members"]
            and package["source"] is not None]


def name_of(package):
    return f"{package['name']} {package['version']}"


def satisfied(expression, allowed):
    """Whether an SPDX expression can be satisfied by licences that are allowed. `MIT/Apache-2.0` is how OR was written once."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either():
        result = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            # Not the other way round: what follows has to be read in any case.
            result = both() or result
        return result

    def both():
        result = one()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            result = one() and result
        return result

    def one():
        token = tokens.pop(0)
        if token == "(":
            result = either()
            tokens.pop(0)
            return result
        if tokens[:1] == ["WITH"]:
            token = " ".join([token, tokens.pop(0), tokens.pop(0)])
        return token in allowed

    return either()


def version(text):
    return tuple(int(part) for part in text.split(".")[:2])


def licences(workspace, policy):
    """Each crate has a licence that the policy allows."""
    for package in others(workspace):
        allowed = set(policy["licenses"]["allow"])
        for exception in policy["licenses"]["exceptions"]:
            if exception["crate"] == package["name"]:
                allowed.update(exception["allow"])
        if not package["license"] or not satisfied(package["license"], allowed):
            yield f"{name_of(package)}: {package['license']}"


def sources(workspace, _policy):
    """Each crate comes from crates.io, or is in this repository."""
    for package in workspace["packages"]:
        inside = Path(package["manifest_path"]).is_relative_to(ROOT)
        if package["source"] != CRATES_IO and not (package["source"] is None and inside):
            yield f"{name_of(package)}: {package['source']} {package['manifest_path']}"


def versions(workspace, policy):
    """Each crate is there in one version, but for those that the policy names."""
    skipped = {skip["crate"] for skip in policy["bans"]["skip"]}
    seen = {}
    for package in others(workspace):
        if f"{package['name']}@{package['version'].split('.')[0]}" not in skipped:
            seen.setdefault(package["name"], []).append(package["version"])
    yield from (f"{name}: {', '.join(several)}" for name, several in seen.items() if len(several) > 1)


def rust_versions(workspace, _policy):
    """No crate needs a newer Rust than the one that Cargo.toml promises."""
    promised = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["rust-version"]
    for package in others(workspace):
        if package["rust_version"] and version(package["rust_version"] + ".0") > version(promised):
            yield f"{name_of(package)}: {package['rust_version']}, not {promised}"


def locked(workspace, _policy):
    """Cargo.lock is committed, and has a checksum for each crate."""
    lock = Path(workspace["workspace_root"]) / "Cargo.lock"
    listed = subprocess.run(["git", "ls-files", "--error-unmatch", str(lock)], cwd=ROOT, capture_output=True)
    if listed.returncode != 0:
        yield f"{lock} is not committed"
    for package in tomllib.loads(lock.read_text())["package"]:
        if "source" in package and "checksum" not in package:
            yield f"{name_of(package)} has no checksum"


def firmware(workspace):
    """What is linked into a firmware, by name: what the crate needs when it is neither built nor tested."""
    nodes = {node["id"]: node for node in workspace["resolve"]["nodes"]}
    packages = {package["id"]: package for package in workspace["packages"]}
    linked, waiting = {}, [next(id for id, package in packages.items() if package["name"] == "umqtt")]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            package = packages[dependency["pkg"]]
            if is_normal and package["name"] not in linked:
                linked[package["name"]] = package
                waiting.append(dependency["pkg"])
    return linked


def firmware_crates(workspace):
    """What is linked into a firmware is what was looked at, and can be had under MIT."""
    linked = firmware(workspace)
    yield from (f"{name} is linked and not listed" for name in sorted(linked.keys() - FIRMWARE))
    yield from (f"{name} is listed and not linked" for name in sorted(FIRMWARE - linked.keys()))
    yield from (name_of(crate) for crate in linked.values() if not satisfied(crate["license"], {"MIT"}))


def same_versions(workspace, other):
    """The fuzzer tests the versions that the firmware is built from."""
    theirs = {package["name"]: package["version"] for package in other["packages"]}
    for name, package in firmware(workspace).items():
        if theirs.get(name, package["version"]) != package["version"]:
            yield f"{name}: {package['version']} in the firmware, {theirs[name]} in tests/fuzz"


def main():
    policy = tomllib.loads((ROOT / "deny.toml").read_text())
    try:
        workspaces = {manifest: metadata(manifest) for manifest in WORKSPACES}
    except subprocess.CalledProcessError as error:
        print(f"FAIL {error}\n0 passed, 1 failed")
        return 1
    main_one, fuzz = workspaces.values()
    checks = [(f"{manifest}: {check.__doc__}", check(workspace, policy)) for manifest, workspace in workspaces.items()
              for check in (licences, sources, versions, rust_versions, locked)]
    checks.append((firmware_crates.__doc__, firmware_crates(main_one)))
    checks.append((same_versions.__doc__, same_versions(main_one, fuzz)))
    failed = 0
    for name, faults in checks:
        faults = list(faults)
        failed += bool(faults)
        print("FAIL" if faults else "ok  ", name)
        for fault in faults:
            print("    ", fault)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
