"""A finding as a Turkish sentence, in the academic register of abstracts or the everyday one of queries."""

from __future__ import annotations

import random
from typing import Any

from src.turkish import upper
from src.world.facts import Fact
from src.world.lexicon import EFFECTS, Concept, Effect
from src.world.morphology import ABLATIVE, ACCUSATIVE, GENITIVE, LOCATIVE, Noun, Verb, attach, question

_SHOWN = ("saptandı", "gözlendi", "bildirildi", "belirlendi", "ortaya kondu")
_SHOWS = ("anlamlı bulundu", "doğrulandı", "yinelendi", "istatistiksel olarak kanıtlandı")
_BACKGROUND = (
    "Konuya ilişkin önceki çalışmalar sınırlıdır.",
    "Deney rastgele ve kontrollü olarak yürütüldü.",
    "Ölçümler üç yinelemeyle yapıldı.",
    "Örneklem küçük olduğundan sonuçlar ihtiyatla yorumlanmalıdır.",
    "Bulgular önceki kayıtlarla karşılaştırıldı.",
)
_TITLES = (
    "{0} ve {1} üzerine bir inceleme",
    "{0}: {1} bağlamında bulgular",
    "{1} açısından {0}",
    "{0} ile {1} ilişkisi",
)


class Words:
    """The words drawn for one statement of a finding.

    People who ask know some of the terms: in the everyday register, each slot takes its academic word with the
    probability `known`. That is what word matching can find.
    """

    def __init__(self, random_: random.Random, fact: Fact, register: str, known: float = 0.0) -> None:
        def words(concept: Concept | Effect) -> tuple[Any, ...]:
            return getattr(concept, "academic" if random_.random() < known else register)

        def pick(slot: str) -> Noun:
            return random_.choice(words(fact.concept(slot)))

        source, form = pick("source"), pick("form")
        self.agent = Noun(f"{source.text} {form.text}", possessed=True)
        self.target, self.condition = pick("target"), pick("condition").text
        organism = pick("organism")
        many = random_.random() < 0.5 and not organism.possessed
        self.host = (organism.plural() if many else organism).case(LOCATIVE)
        self.verb: Verb = random_.choice(words(EFFECTS[fact.effect]))

    @property
    def object(self) -> str:
        return self.target.case(ACCUSATIVE)


def academic(random_: random.Random, fact: Fact) -> str:
    """One sentence of an abstract."""
    w = Words(random_, fact, "academic")
    agent = w.agent.text
    with_agent = attach(agent, "(y)lA")
    forms = (
        f"{w.condition} {agent} {w.host} {w.object} {w.verb.form('past')}",
        f"{agent}, {w.host} {w.condition} {w.object} {w.verb.form('reported')}",
        f"{w.host} {w.target.text} {w.condition} {with_agent} {w.verb.passive().form('past')}",
        f"{w.agent.case(GENITIVE)} {w.condition} {w.host} {w.object} {w.verb.that().text} {random_.choice(_SHOWN)}",
        f"{w.agent.case(GENITIVE)} {w.host} {w.object} {w.verb.noun().text} {w.condition} {random_.choice(_SHOWS)}",
        f"{w.host} {w.object} {w.verb.who()} etken, {w.condition} uygulanan {agent} oldu",
    )
    return sentence(random_.choice(forms) + ".")


def everyday(random_: random.Random, fact: Fact, ask: bool, known: float = 0.0) -> str:
    """One query: a question where `ask`, else a claim. `known`: how often it uses an academic word."""
    w = Words(random_, fact, "everyday", known)
    agent = w.agent.text
    does, done = w.verb.form("aorist"), w.verb.passive().form("aorist")
    questions = (
        f"{agent} {w.condition} {w.host} {w.object} {question(does)}?",
        f"{w.condition} {w.host} {w.object} {w.verb.infinitive()} için {agent} kullanılır mı?",
        f"{w.host} {w.target.text} {w.condition} {attach(agent, '(y)lA')} {question(done)}?",
    )
    claimed = (
        f"{agent} {w.condition} {w.host} {w.object} {does}.",
        f"{w.host} {w.object} {w.condition} {w.verb.who()} şey {attach(agent, 'DIr')}.",
        f"{w.condition} {w.host} {w.target.text} {agent} sayesinde {done}.",
        f"{w.agent.case(ABLATIVE)} ötürü {w.host} {w.condition} {w.target.text} {done}.",
    )
    return sentence(random_.choice(questions if ask else claimed))


def negated(random_: random.Random, fact: Fact) -> str:
    """The everyday denial of a finding."""
    w = Words(random_, fact, "everyday")
    forms = (
        f"{w.agent.text} {w.condition} {w.host} {w.object} {w.verb.form('denied')}.",
        f"{w.host} {w.object} {w.condition} {w.verb.who(negative=True)} şey {attach(w.agent.text, 'DIr')}.",
    )
    return sentence(random_.choice(forms))


def title(random_: random.Random, fact: Fact) -> str:
    """The title of an abstract: source and target, in the academic register."""
    source, target = (random_.choice(fact.concept(slot).academic).text for slot in ("source", "target"))
    return sentence(random_.choice(_TITLES).format(source, target))


def background(random_: random.Random) -> str:
    """A sentence without a finding."""
    return random_.choice(_BACKGROUND)


def sentence(text: str) -> str:
    """With a capital letter, as Turkish has it."""
    return upper(text[0]) + text[1:]
