"""What each register says of the invented world: one module per register.

Belongs here: how an authority records the truth, table by table, under its own column names. Does not
belong here: the text of files (`files`) and mistakes (`dirt`).
"""

from __future__ import annotations

from collections.abc import Callable

from polku.twin.registers import (
    dvv,
    ely_keha,
    hyvinvointialue,
    kela,
    koski,
    koto_aj,
    koto_crm,
    kotokoulutus,
    kuntakokeilu,
    migri,
    neuvonta,
    opiskelijat,
    osaamiskeskus,
    toimeentulotuki,
    tulorekisteri,
    tutkinnot,
    ura,
    vastaanotto,
    vero,
)
from polku.twin.registers.frame import Frames
from polku.twin.world import World

REGISTERS: dict[str, Callable[[World], Frames]] = {
    "osaamiskeskus": osaamiskeskus.record,
    "dvv": dvv.record,
    "migri": migri.record,
    "vastaanotto": vastaanotto.record,
    "ura": ura.record,
    "koski": koski.record,
    "opiskelijat": opiskelijat.record,
    "tutkinnot": tutkinnot.record,
    "kela": kela.record,
    "vero": vero.record,
    "tulorekisteri": tulorekisteri.record,
    "toimeentulotuki": toimeentulotuki.record,
    "hyvinvointialue": hyvinvointialue.record,
    "kuntakokeilu": kuntakokeilu.record,
    "koto_crm": koto_crm.record,
    "koto_aj": koto_aj.record,
    "ely_keha": ely_keha.record,
    "kotokoulutus": kotokoulutus.record,
    "neuvonta": neuvonta.record,
}
"""By register: the function that writes down the world as frames by table name."""
