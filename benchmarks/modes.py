"""Measures linking, and what a strong mode costs beyond the default, step by step, each step as a whole process.

Belongs here: sealing, relay and opening of the same extract in every mode, and the floor of each. Does not
belong here: sealing in general (`seal`), the nightly run (`run`), any assertion about speed.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import Process
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey, derive_private_key
from run import Measurement, measure
from seal import EXTRACTED_ON, FILE, PERIOD, REGISTER, make_payments, study, write

from polku import demo
from polku.authority.sealing import seal
from polku.exchange.blinding import ORDER, blind, multiply
from polku.exchange.folders import copy, move
from polku.exchange.ledger import Ledger
from polku.exchange.parts import BLINDED, RELAY
from polku.exchange.stretching import stretch
from polku.layout import DataRoot
from polku.linkage.relaying import relay
from polku.research.opening import open_delivery, pending

ROWS_PER_PERSON = 10


def prepare(root: DataRoot, rows: int, persons: int, mode: str, stretched: bool) -> None:
    """The extract and every party's keys below `root`."""
    made = study(twin=False)
    folder = root.authority(REGISTER) / "extract"
    folder.mkdir(parents=True)
    write(make_payments(rows, persons), folder / FILE)
    demo.make_keys(root, made, print, mode=mode, stretched=stretched)
    for inbox in (root.inbox, root.linkage / "inbox"):
        inbox.mkdir(parents=True, exist_ok=True)


def seal_step(root: DataRoot) -> None:
    """The authority."""
    folder = root.authority(REGISTER)
    report = seal(study(twin=False), REGISTER, folder / "extract", folder, root.trust, EXTRACTED_ON, PERIOD)
    copy(report.id_part, root.linkage / "inbox")
    copy(report.data_part, root.inbox)


def relay_step(root: DataRoot) -> None:
    """The linkage unit."""
    for link in relay(root.linkage, root.trust).relayed:
        move(link, root.inbox)


def open_step(root: DataRoot) -> None:
    """The research platform's door, to the last row."""
    made = study(twin=False)
    (delivery,) = pending(root, made)
    with open_delivery(root, made, delivery) as opened:
        for _, reader in opened.tables():
            for _ in reader:
                pass


STEPS: dict[str, Callable[[DataRoot], None]] = {"authority": seal_step, "linkage": relay_step, "research": open_step}


def steps(
    persons: int, mode: str, *, stretched: bool = False, rows_each: int = ROWS_PER_PERSON
) -> tuple[int, dict[str, Measurement]]:
    """Distinct identifiers of the extract, and what each step used."""
    with tempfile.TemporaryDirectory() as folder:
        root = DataRoot("", Path(folder))
        # In a process of its own: what starts others hands its own peak memory on to them.
        preparing = Process(target=prepare, args=(root, rows_each * persons, persons, mode, stretched))
        preparing.start()
        preparing.join()
        spent = {step: measure([sys.executable, __file__, "--prepared", folder, "--step", step], {}) for step in STEPS}
        (entry,) = Ledger(root.linkage / "ledger.sqlite").accepted()
        return sum(entry.facts.values()), spent


def seconds(spent: dict[str, Measurement]) -> dict[str, float]:
    """CPU seconds of each step."""
    return {step: used.cpu_seconds for step, used in spent.items()}


def cost(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one of `times` pieces of work."""
    started = time.process_time()
    work()
    return (time.process_time() - started) / times


def floors() -> dict[str, float]:
    """CPU seconds per identifier that a step cannot go below: its reads of an element, and one multiplication.

    The authority's hash reads two on average, the other parties one.
    """
    elements = blind(["fi.hetu"] * 5000, [secrets.token_bytes(16) for _ in range(5000)], 1)
    key, times, curve = derive_private_key(ORDER // 3, SECP256R1()), ECDH(), SECP256R1()
    points = [EllipticCurvePublicKey.from_encoded_point(curve, b"\x02" + x) for x in elements]
    decode = cost(lambda: [EllipticCurvePublicKey.from_encoded_point(curve, b"\x02" + x) for x in elements], 5000)
    times_ = cost(lambda: [key.exchange(times, point) for point in points], 5000)
    print(f"one element read {decode * 1e6:.0f} us, one multiplication {times_ * 1e6:.0f} us")
    print(f"of polku: blind {cost(lambda: blind(['x'] * 5000, elements, 3), 5000) * 1e6:.0f} us", end=", ")
    print(f"multiply {cost(lambda: multiply(elements, 3, ''), 5000) * 1e6:.0f} us per identifier")
    codes = [b"%d" % number for number in range(100)]
    argon = cost(lambda: list(stretch(bytes(32), "fi.hetu", codes)), 100)
    print(f"Argon2id {argon * 1e3:.1f} ms per identifier; {argon * 37_685_468 / 3600:.0f} core-hours for all codes")
    return {"authority": 2 * decode + times_, "linkage": decode + times_, "research": decode + times_}


def main() -> None:
    """Every size in both modes, `--runs` times alternating; the stretch only when asked for."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/modes.py --persons 6000 100000")
    parser.add_argument("--persons", type=int, nargs="+", default=[6000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stretched", action="store_true", help="stretch the first size too (21 ms each)")
    parser.add_argument("--linking", type=int, help="only the default mode: this many rows of as many persons, drawn")
    parser.add_argument("--prepared", type=Path, help="take one step in this folder, and measure nothing")
    parser.add_argument("--step", choices=STEPS)
    args = parser.parse_args()
    if args.prepared:
        return STEPS[args.step](DataRoot("", args.prepared))
    if args.linking:
        count, spent = steps(args.linking, RELAY, rows_each=1)
        return print(f"{count} identifiers", *(f"{step:10} {used}" for step, used in spent.items()), sep="\n")
    floor = floors()
    for persons in args.persons:
        for run in range(args.runs):
            count, used = steps(persons, RELAY)
            default, blinded = seconds(used), seconds(steps(persons, BLINDED)[1])
            print(f"{count} identifiers, {ROWS_PER_PERSON * persons} rows, run {run + 1}: CPU seconds")
            for step, least in floor.items():
                more = blinded[step] - default[step]
                print(
                    f"  {step:10} default {default[step]:6.2f}  blinded {blinded[step]:6.2f}  "
                    f"more {more:6.2f}  floor {count * least:6.2f}"
                )
            print(
                f"  {'together':10} default {sum(default.values()):6.2f}  blinded {sum(blinded.values()):6.2f}  "
                f"more {sum(blinded.values()) - sum(default.values()):6.2f}  floor {count * sum(floor.values()):6.2f}"
            )
    if args.stretched:
        count, spent = steps(args.persons[0], RELAY, stretched=True)
        shown = (f"{step} {cpu:.2f}" for step, cpu in seconds(spent).items())
        print(f"{count} identifiers stretched:", *shown, sep="  ")


if __name__ == "__main__":
    main()
