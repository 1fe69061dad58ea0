"""The concepts of the world and the words for each: academic ones for passages, everyday ones for queries.

A line is `academic, academic ; everyday, everyday`. Without a semicolon both registers share the words, and that is
where word matching finds its hold. Marks after a word: `~` its last consonant softens, `!` its last vowel drops, `*` it
takes front vowels against its stem, `+` it ends in a possessive. Verbs: `:A` or `:I` is the aorist's vowel.
"""

from __future__ import annotations

from dataclasses import dataclass

from src.world.morphology import Noun, Verb

_SOURCES = """
kekik~ ; dağ kekiği+
adaçayı+ ; ada otu+
ısırgan ; dalgan otu+
kantaron ; binbirdelik otu+
çörek otu+ ; kara çörek~
zerdeçal ; hint safranı+
meyan kökü+ ; tatlı kök
ıhlamur
rezene ; arapsaçı+
melisa ; oğul otu+
biberiye ; kuşdili+
kuşburnu+ ; yabani gül meyvesi+
karabaş otu+ ; keşiş otu+
çemen otu+ ; boy otu+
papatya ; akbaşlı çiçek~
nar kabuğu+ ; nar kışrı+
zeytin yaprağı+ ; zeytin dalı+
üzüm çekirdeği+ ; asma tanesi+
keten tohumu+ ; bezir tohumu+
deve dikeni+ ; meryemana dikeni+
alıç~ ; yemişen
karahindiba ; radika
sumak~
kapari ; gebre otu+
yosun ; deniz otu+
mantar ; göbelek~
kil ; balçık~
zeolit ; kaynar taş
perlit ; inci taşı+
bentonit ; çamaşır kili+
bor minerali+ ; bor tuzu+
kükürt ; sarı taş
magnezyum tuzu+ ; acı tuz
arı sütü+ ; kraliçe balı+
propolis ; arı mumu+
peynir altı suyu+ ; süt suyu+
balık yağı+ ; morina yağı+
yumurta kabuğu+ ; yumurta zarfı+
"""

# Stand in evaluation sets alone; both registers share the name, so a model must read it letter by letter.
_HELD_OUT_SOURCES = """
lavanta
defne
enginar
maydanoz
fesleğen
sarımsak~
turunç~
pelin
"""

_FORMS = """
özütü+, ekstresi+ ; suyu+, şurubu+
uçucu yağı+, esansı+ ; yağı+, ıtrı+
tozu+, pudrası+ ; unu+, kırığı+
jeli+, hidrojeli+ ; merhemi+, kremi+
kapsülü+, tableti+ ; hapı+, ilacı+
buharı+, aerosolü+ ; dumanı+, tütsüsü+
külü+, yanma kalıntısı+ ; yanığı+, korunun tozu+
infüzyonu+, sıcak demlemesi+ ; çayı+, demi+
"""

_EFFECTS = """
up    down  : artır:I, yükselt:I ; çoğalt:I, fazlalaştır:I
down  up    : azalt:I, düşür:I ; indir:I, eksilt:I
block start : engelle, inhibe et~:A ; önle, durdur:I
start block : tetikle, indükle ; başlat:I, uyandır:I
fast  slow  : hızlandır:I, ivmelendir:I ; çabuklaştır:I, süratlendir:I
slow  fast  : geciktir:I, sekteye uğrat:I ; yavaşlat:I, ağırlaştır:I
keep  harm  : muhafaza et~:A, koru ; sakla, kolla
harm  keep  : tahrip et~:A, zedele ; boz:A, yıprat:I
cure  spoil : iyileştir:I, ıslah et~:A ; düzelt:I, güzelleştir:I
spoil cure  : kötüleştir:I, olumsuzlaştır:I ; berbat et~:A, fenalaştır:I
firm  loose : güçlendir:I, pekiştir:I ; sağlamlaştır:I, kuvvetlendir:I
loose firm  : zayıflat:I, gevşet:I ; güçsüzleştir:I, çürüt:I
"""

_TARGETS = {
    "body": """
arteriyel basınç~, kan basıncı+ ; tansiyon, damar tazyiki+
glisemik düzey, kan şekeri düzeyi+ ; şeker, kandaki tatlılık~
uyku süresi+, uyku latansı+ ; gece dinlenmesi+, uyuma
bağışıklık yanıtı+, immün cevap~ ; vücut direnci+, hastalıklara dayanma gücü+
kemik yoğunluğu+, iskelet mineralizasyonu+ ; kemik sertliği+, iskelet sağlamlığı+
doku onarımı+, yara iyileşmesi+ ; yaranın kapanması+, derinin toparlanması+
bilişsel işlev, hafıza performansı+ ; akılda tutma, zihin!
kas kütlesi+, iskelet kası hacmi+ ; adale, et kalınlığı+
bağırsak florası+, intestinal mikrobiyota ; mide bakterileri+, sindirim canlıları+
yağ oksidasyonu+, lipit metabolizması+ ; yağ yakımı+, zayıflama
oksidatif stres, serbest radikal birikimi+ ; paslanma, hücre yıpranması+
solunum kapasitesi+, akciğer hacmi+ ; nefes, soluk derinliği+
kalp atım hızı+, nabız! ; yürek vuruşu+, kalbin çarpması+
karaciğer enzimi+, hepatik aktivite ; ciğer faaliyeti+, karaciğer işi+
deri nemi+, epidermal hidrasyon ; cilt yumuşaklığı+, tenin suyu+
görme keskinliği+, retinal duyarlılık~ ; gözün seçmesi+, bakış netliği+
iştah, besin alımı+ ; yeme isteği+, boğazı açma
iltihap~, inflamasyon ; şişme, kızarıklık~
ağrı eşiği+, nosiseptif yanıt ; sızı, acı duyma
kaygı düzeyi+, anksiyete ; endişe, iç sıkıntısı+
""",
    "plant": """
kök gelişimi+, radikula uzaması+ ; kökün büyümesi+, toprağa tutunma
tohum çimlenmesi+, filizlenme oranı+ ; ekinin yeşermesi+, tohumun patlaması+
yaprak alanı+, klorofil içeriği+ ; yaprağın yeşili+, yaprak genişliği+
çiçeklenme, polen verimi+ ; çiçek açma, çiçek tozu+
meyve tutumu+, ürün verimi+ ; mahsul*, hasat bolluğu+
fotosentez hızı+, karbon bağlama ; güneşten beslenme, yaprağın nefesi+
""",
    "soil": """
toprak asitliği+, toprağın reaksiyonu+ ; toprağın ekşiliği+, yerin tuzu+
su tutma kapasitesi+, nem tutulumu+ ; toprağın su saklaması+, yaşlık~
azot döngüsü+, nitrifikasyon ; gübrenin işlemesi+, azot bağlama
mantar enfeksiyonu+, fungal bulaşma ; küf, pas hastalığı+
""",
    "yield": """
yumurta verimi+, yumurtlama sıklığı+ ; yumurta sayısı+, folluk bereketi+
süt verimi+, laktasyon süresi+ ; süt bolluğu+, sağım miktarı+
""",
    "material": """
korozyon, metal aşınması+ ; pas, demirin çürümesi+
çatlak ilerlemesi+, kırılma eğilimi+ ; yarılma, parçalanma
ısı iletimi+, termal geçirgenlik~ ; sıcaklığın geçmesi+, ısının yayılması+
raf ömrü+, depolama kararlılığı+ ; dayanma süresi+, bozulmadan durma
""",
}

_ORGANISMS = {
    "human": """
geriatrik hasta, yaşlı birey ; ihtiyar, yaşı geçkin kişi
pediatrik olgu, çocuk hasta ; küçük yaştaki hasta, sabi
gebe birey, hamile kadın ; bebek bekleyen anne, yüklü kadın
adölesan, ergen ; delikanlı, yeni yetme genç~
sporcu, atlet ; idman yapan kişi, antrenmanlı kişi
diyabetli birey, insülin dirençli hasta ; şeker hastası+, şekeri çıkan kişi
hipertansif olgu, tansiyon hastası+ ; damarı sert kişi, basıncı yüksek kişi
""",
    "animal": """
laboratuvar sıçanı+, kemirgen ; fare, sıçan
tavşan
kümes hayvanı+, tavuk~ ; piliç~, kanatlı
sığır, büyükbaş ; inek~, dana
küçükbaş, koyun ; davar, kuzu
bal arısı+, arı kolonisi+ ; arı, kovan
alabalık~, tatlı su balığı+ ; dere balığı+, pullu
""",
    "plant": """
buğday, tahıl bitkisi+ ; ekin, başak~
mısır bitkisi+, mısır fidesi+ ; darı, koçan
domates fidesi+, patlıcangil bitkisi+ ; bahçe domatesi+, kırmızı sebze
asma, bağ kütüğü+ ; üzüm kütüğü+, tevek~
zeytin ağacı+, zeytin fidanı+ ; zeytin bahçesi+, yağlık ağaç~
pamuk bitkisi+, lif bitkisi+ ; koza, pamuk tarlası+
orman fidanı+, ibreli ağaç~ ; çam, orman ağacı+
""",
    "microbe": """
maya hücresi+, tek hücreli ; hamur mayası+, mayalı hamur
toprak bakterisi+, rizobiyum ; yer altı canlısı+, toprak mikrobu+
""",
    "material": """
çelik alaşım, demir levha ; sac, madeni parça
seramik karo, pişmiş kil ; fayans, çömlek~
beton numune, harç karışımı+ ; duvar, sıva
""",
}

# In what a target can be found.
_HOSTS = {
    "body": ("human", "animal"),
    "plant": ("plant",),
    "soil": ("plant", "microbe"),
    "yield": ("animal",),
    "material": ("material",),
}

_CONDITIONS = """
düşük sıcaklık+L, soğuk iklim+L ; soğuk+L, kışın ayazı+L
yüksek sıcaklık+L, ısı stresi+L ; sıcak+L, kavurucu hava+L
su kısıtı+L, kuraklık+L ; susuzluk+L, yağışsız mevsim+L
tuzlu ortam+L, yüksek salinite+L ; tuzlu toprak+L, çorak yer+L
karanlık evre+L, ışıksız ortam+L ; gece vakti+L, loş yer+L
yoğun ışık+L, ultraviyole maruziyeti+L ; güneş altı+L, gün ışığı+L
açlık dönemi+L, kalori kısıtı+L ; aç karın+L, oruç+L
egzersiz sonrası+L, fiziksel yük+L ; spordan sonra, yorgunluk+L
yüksek rakım+L, hipoksik ortam+L ; dağ başı+L, havasız yer+L
uzun süreli uygulama+L, kronik kullanım+L ; aylarca sürünce, hep kullanılınca
tek doz+L, akut uygulama+L ; bir kerelik kullanım+L, ilk seferinde
yüksek doz+L, derişik eriyik+L ; bol miktar+L, çok verilince
"""


@dataclass(frozen=True)
class Concept:
    """A meaning and its words in the two registers."""

    name: str
    academic: tuple[Noun, ...]
    everyday: tuple[Noun, ...]


@dataclass(frozen=True)
class Effect:
    """What one thing does to another, the opposite of that, and its verbs."""

    name: str
    opposite: str
    academic: tuple[Verb, ...]
    everyday: tuple[Verb, ...]


def _noun(text: str) -> Noun:
    text = text.strip()
    marks = {mark for mark in "~!*+" if mark in text[-2:]}
    return Noun(text.rstrip("~!*+"), "~" in marks, "!" in marks, "*" in marks, "+" in marks)


def _registers(line: str) -> tuple[list[str], list[str]]:
    left, _, right = line.partition(";")
    academic = [word.strip() for word in left.split(",")]
    return academic, [word.strip() for word in right.split(",")] if right else academic


def _concepts(lines: str) -> tuple[Concept, ...]:
    found = []
    for line in lines.strip().splitlines():
        academic, everyday = ([_noun(word) for word in words] for words in _registers(line))
        found.append(Concept(academic[0].text, tuple(academic), tuple(everyday)))
    return tuple(found)


def _verb(text: str) -> Verb:
    stem, _, aorist = text.strip().partition(":")
    return Verb(stem.rstrip("~"), aorist or "I", "~" in stem)


def _effects(lines: str) -> dict[str, Effect]:
    found = {}
    for line in lines.strip().splitlines():
        names, _, words = line.partition(" : ")
        name, opposite = names.split()
        academic, everyday = ([_verb(word) for word in part] for part in _registers(words))
        found[name] = Effect(name, opposite, tuple(academic), tuple(everyday))
    return found


def _phrase(text: str) -> Noun:
    """A condition, already in its case: `soğuk+L` is put into the locative, other phrases stand as they are."""
    if not text.endswith("+L"):
        return Noun(text)
    word = text.removesuffix("+L")
    possessed = word.split()[-1].endswith(("ı", "i", "u", "ü")) and " " in word
    return Noun(Noun(word, possessed=possessed).case("DA"))


def _conditions(lines: str) -> tuple[Concept, ...]:
    found = []
    for line in lines.strip().splitlines():
        academic, everyday = (tuple(_phrase(word) for word in words) for words in _registers(line))
        found.append(Concept(academic[0].text, academic, everyday))
    return tuple(found)


def _groups(grouped: dict[str, str]) -> list[str]:
    """The group of each concept, in order."""
    return [group for group, lines in grouped.items() for _ in lines.strip().splitlines()]


SOURCES = _concepts(_SOURCES)
HELD_OUT_SOURCES = _concepts(_HELD_OUT_SOURCES)
FORMS = _concepts(_FORMS)
EFFECTS = _effects(_EFFECTS)
TARGETS = tuple(concept for lines in _TARGETS.values() for concept in _concepts(lines))
ORGANISMS = tuple(concept for lines in _ORGANISMS.values() for concept in _concepts(lines))
_TARGET_GROUPS = _groups(_TARGETS)
_ORGANISM_GROUPS = _groups(_ORGANISMS)


def hosts(target: int) -> list[int]:
    """The organisms, by number, in which a target can be found."""
    return [number for number, group in enumerate(_ORGANISM_GROUPS) if group in _HOSTS[_TARGET_GROUPS[target]]]


CONDITIONS = _conditions(_CONDITIONS)
