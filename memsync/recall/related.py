"""Words that are near each other in meaning: who asks for a "physician" is helped by a text with a "doctor" in it.

In comes a word of a question as a stem, out come the stems of others that an answer may have in its place. English, by hand, from common
knowledge; not every pair goes both ways ("pet" finds the dog, "dog" no other pet). A related word counts less than the word itself, and
one that stands everywhere not at all (``rank``).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from memsync.recall.words import stem

_RELATED: Final = """\
    ability: skill; accident: crash; accomplishment: achievement; achieve: accomplish accomplishment achievement; achievement:
    accomplish accomplishment success; activity: hobby; actor: actress; advice: tip suggest recommend; advise: suggest
    recommend; afraid: scared fear; age: old; angry: mad upset; answer: reply; apartment: flat; app: application; application:
    app; area: place neighborhood; army: military; art: painting drawing sculpture; artist: painter; artwork: art; ask:
    question; assist: help; attorney: lawyer; author: writer; band: group; beach: sea ocean coast; begin: launch; begin:
    start; believe: think; bicycle: bike; big: large huge; bike: bicycle; birthday: anniversary; boat: ship; body: weight;
    book: novel story; born: birth; boss: manager supervisor; break: damage; bring: take; buddy: friend; budget: money cost;
    build: make create; business: company store shop; buy: purchase get; call: phone; calm: peaceful relax; camera: photo;
    camp: tent; car: vehicle truck; career: job profession; cash: money; cat: kitten; cause: because reason; celebrate:
    celebration party; celebration: party; challenge: difficult tough struggle obstacle; change: switch; charity: donation
    fundraiser nonprofit; check: test; child: kid son daughter baby; choose: decide pick; church: faith; city: town; class:
    course lesson; clean: wash; clothes: dress shirt; club: group; coach: trainer teacher; colleague: coworker teammate;
    color: colour; company: firm business; competition: contest tournament race; complete: finish; computer: laptop; concert:
    gig show; continue: keep; cook: bake; cost: price pay; country: nation; course: class lesson; coworker: colleague; create:
    make build; crime: steal theft; cut: reduce; dad: father; daily: day; damage: break; dance: ballet; danger: dangerous
    risk; date: day; dead: die; deadline: due; death: die dead; decide: decision choose; decision: decide; degree: diploma;
    describe: say; design: create; dessert: cake pie cookie; develop: create build; device: phone tablet; die: dead death;
    difficult: hard tough; discover: find; discuss: talk; dish: meal food recipe; divide: split; divorce: separate; doctor:
    physician; document: file; dog: puppy pup; donate: donation give; draw: drawing sketch; drawing: sketch draw; dream: goal;
    drink: coffee tea beer wine; easy: simple; eat: food meal; education: school; email: mail; encourage: support motivate;
    end: finish; enjoy: like love fun; error: mistake bug; evening: night; event: party festival parade; exam: test; excited:
    thrilled; exercise: workout training gym; explain: tell; fail: failure; father: dad; favorite: prefer love best; fear:
    afraid scared; feel: feeling emotion; festival: fair; film: movie; find: discover; finish: complete end; firm: company;
    fix: repair; flat: apartment; flower: plant; food: meal dish; forest: wood tree; frequently: often; friend: buddy pal
    mate; fund: money; furniture: table chair; game: match; garden: yard plant; get: receive; gift: present; give: gift; glad:
    happy; goal: aim target dream; grandfather: grandpa; grandma: grandmother; grandmother: grandma; grandpa: grandfather;
    grant: fund; group: team club; grow: increase; gym: workout exercise; happy: glad joy; hard: difficult tough; hate:
    dislike; health: medical; hear: listen; help: support assist aid; hike: trail walk; hobby: activity pastime; holiday:
    vacation trip; home: house; hope: wish dream; hospital: clinic; host: organize; house: home apartment flat; hurt: injure;
    husband: spouse; ill: sick; illness: disease sick; image: picture photo; improve: better; increase: grow rise; injury:
    hurt injured accident; inspire: motivate inspiration; instrument: guitar piano violin; internet: online; issue: problem
    trouble; job: work career occupation; jog: run; join: participate; kid: child; kill: murder; killer: murder; kitchen:
    cook; kitten: cat; knowledge: know; laptop: computer; large: big; lately: recently; launch: start release; law: legal;
    lawyer: attorney; leader: boss captain; learn: study; lesson: class; letter: mail; like: enjoy love; listen: hear; little:
    small; live: home reside; location: place; look: see watch; lose: miss; love: adore; make: create build; manager: boss;
    marriage: wedding marry; married: wife husband; marry: wedding; meal: dinner lunch breakfast food dish; medication:
    medicine drug pill; medicine: medication drug pill; meeting: call; member: team; mention: say tell; military: army soldier
    veteran; mistake: error; mom: mother mum; money: cash dollar euro pound; morning: dawn; mother: mom mum; motivate: inspire
    motivation; motivation: inspire motivate; motive: reason; mountain: peak hill; move: relocate; movie: film; mum: mother
    mom; murder: kill killer; music: song; musician: singer band; nation: country; nature: outdoors; necklace: jewelry;
    neighbor: neighbour; neighborhood: area; new: recent; night: evening; obstacle: challenge; obtain: get; often: frequently;
    old: age; online: internet; opinion: think; organize: arrange host; outdoor: nature outside; pain: ache; painting: paint
    canvas artwork; pal: friend; paper: article; parent: mother father mom dad; participate: join attend; party: celebration;
    pay: cost spend; personality: character; pet: dog cat puppy kitten; phone: mobile; photo: picture photograph; photograph:
    photo picture; physician: doctor; picture: photo image pic painting; pill: medicine medication; place: location; plan:
    intend goal; plane: flight fly; plant: flower; play: game; police: cop; political: politics election; politics: political
    election; praise: compliment; prefer: favorite; present: gift; price: cost; prize: award trophy medal; problem: issue
    trouble; protect: safe security; proud: pride; puppy: dog pup; purchase: buy get; quit: stop leave; race: run marathon;
    raise: fundraiser fundraise; read: book; reason: because why; receive: get; recent: lately new; recently: lately; recipe:
    dish; recommend: suggest recommendation; reduce: cut decrease; relax: unwind calm; release: launch; religion: church faith
    god; religious: church faith god; rent: lease; repair: fix; replace: swap; report: paper; reside: live; return: back;
    risk: danger; road: street; rule: law; run: race jog marathon; sad: upset unhappy; safe: protect; say: tell mention;
    scared: afraid fear; schedule: plan; school: college university; search: look; see: watch view; sell: sale; send: mail;
    series: show; share: show; ship: boat vessel; shop: store; show: display; show: series; sibling: brother sister; sick:
    ill; sing: song; skill: ability; sleep: bed; small: little tiny; software: app program; song: track; speak: talk; split:
    divide; sport: football basketball tennis soccer; spouse: husband wife partner; start: begin; stop: quit; store: shop;
    street: road; stress: pressure anxiety; student: pupil; study: learn research; succeed: success; success: achieve;
    suggest: recommend advise advice suggestion; suggestion: recommend advice tip; support: help; swim: pool; switch: change;
    talk: chat speak conversation; teach: lesson; teacher: instructor coach professor; team: group; television: tv; tell: say
    mention; test: testing; think: believe opinion feel; tired: exhausted; tough: hard difficult; tournament: competition
    championship contest; town: village city; train: railway; trait: personality; travel: trip journey tour; tree: forest;
    trip: travel journey vacation tour visit; trouble: problem issue; tv: show; university: college; vacation: holiday trip;
    vehicle: car truck; view: see; volunteer: charity shelter; vote: election; wake: morning; want: wish hope; warn: warning;
    watch: see view; wear: clothes shirt dress; weather: rain snow; website: site; wedding: marry; weekly: week; weight:
    weigh; wife: spouse; win: victory beat; winter: snow; work: job; workout: exercise training gym; worry: concern anxious;
    write: writing book; writer: author; yearly: year; young: younger kid
"""


def related(word: str) -> tuple[str, ...]:
    """The stems of words related to the word of this stem; none for most."""
    return _related().get(word, ())


@cache
def _related() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _RELATED.split(";"):
        word, _, others = line.partition(":")
        of = stem(word.strip()) or ""
        others_stems = (stem(one) for one in others.split())
        found[of] = tuple(
            dict.fromkeys(one for one in (*found.get(of, ()), *others_stems) if one and one != of)
        )
    return found
