"""Words for kinds of things, and some everyday things of each kind: "which instruments?" should find the violin.

English, by hand, from common knowledge; a word may be of several kinds. It only ever helps to order what was found: a memory that shares
nothing with a question is never an answer by its kind alone. Compared as stems, like all words of the index.
"""

from __future__ import annotations

from typing import Final

_KINDS: Final = """\
sport exercise workout athletic fitness game activity:
    football soccer basketball baseball tennis golf hockey rugby volleyball cricket badminton swim swimming run running
    jog marathon surf surfing ski skiing snowboard skate cycling bike hike hiking climb climbing yoga pilates gym boxing
    karate judo wrestling rowing sail sailing kayak archery fencing dance weights stretching treadmill sprint
hobby activity pastime interest leisure relax destress unwind fun free:
    read reading paint painting draw drawing pottery knit knitting sew sewing bake baking cook cooking garden gardening
    photography camp camping hike hiking fish fishing chess puzzle movie music guitar piano violin sing singing dance
    dancing swim swimming run running yoga meditation write writing collect collecting travel game games walk
    woodworking crochet origami museum
instrument play musician:
    guitar piano violin viola cello flute clarinet saxophone trumpet trombone drum drums harp bass ukulele keyboard
    organ accordion banjo
music song band musician artist genre concert:
    rock jazz classical pop folk blues country rap hip-hop opera symphony album singer guitarist choir melody lyrics
    tune piano guitar
pet animal:
    dog puppy cat kitten hamster rabbit bunny parrot fish goldfish turtle tortoise snake lizard gecko horse pony bird
    guinea pig chicken goat cow duck
food dish meal recipe cuisine eat cook snack dessert restaurant:
    pizza pasta salad soup bread cake cookie cookies pie chocolate rice sushi curry taco burger steak chicken salmon
    fish cheese vegetable vegetables fruit sandwich pancake pancakes ice cream noodle noodles stew roast barbecue muffin
    breakfast lunch dinner
drink beverage:
    coffee tea beer wine juice water soda milk smoothie cocktail whisky lemonade cocoa
family relative parent sibling children kid kids:
    mother mom mum father dad brother sister son daughter grandmother grandma grandfather grandpa aunt uncle cousin
    niece nephew wife husband baby child children kid kids parents in-laws stepson
friend people person support:
    buddy mate colleague neighbour neighbor classmate roommate teammate family mentor partner group team
relationship status marital:
    single married divorced engaged widowed dating boyfriend girlfriend partner husband wife fiance fiancee breakup
    wedding
job work career profession occupation employment:
    teacher nurse doctor engineer lawyer accountant programmer designer manager chef writer artist counselor counsellor
    therapist scientist police firefighter farmer carpenter plumber electrician driver waiter journalist consultant
    intern office boss hired promoted shift salary interview bank company business store shop
degree education study school field major subject university college:
    biology chemistry physics mathematics psychology history literature economics law medicine engineering art
    philosophy education exam class course lecture thesis diploma semester campus student certification training
country nation place location geographical abroad travel:
    america usa england britain uk scotland ireland france germany spain italy portugal greece sweden norway denmark
    finland poland russia turkey egypt morocco kenya nigeria india china japan korea thailand vietnam indonesia
    australia canada mexico brazil argentina chile peru colombia cuba switzerland austria netherlands belgium
city town place location travel visit trip vacation:
    london paris berlin rome madrid barcelona lisbon amsterdam vienna prague dublin moscow tokyo beijing seoul bangkok
    delhi mumbai sydney toronto vancouver montreal york boston chicago seattle portland denver austin dallas houston
    miami atlanta angeles francisco diego vegas orleans philadelphia
place outdoors nature location area camp visit go:
    beach mountain mountains forest lake river park desert island coast valley waterfall canyon trail hill ocean sea
    woods garden countryside
vehicle transport drive:
    car truck bike bicycle motorcycle bus train van boat ship plane scooter
book novel read author literature series:
    novel story fantasy mystery biography memoir chapter writer poem poetry library classic trilogy fiction page
movie film show watch series cinema:
    comedy drama thriller horror documentary actor actress director episode season trilogy animation scene
game videogame console play:
    chess poker cards monopoly console nintendo playstation xbox strategy puzzle role-playing rpg shooter tournament
    board video
art artwork craft creative make create made:
    painting drawing sculpture pottery photo photograph mural sketch bowl cup pot clay canvas watercolor portrait sunset
    landscape poem quilt knitted
health illness condition medical problem injury disease allergy:
    doctor hospital asthma diabetes cancer flu cold fever migraine headache allergic allergy surgery ankle knee back
    broken sprained anxiety depression insomnia medication pills therapy diagnosed checkup weight blood heart pain
    gastritis
feeling emotion mood feel react:
    happy sad excited nervous anxious proud grateful thankful angry relieved scared afraid lonely tired overwhelmed calm
    peaceful inspired motivated hopeful joy stressed disappointed amazing awesome
event celebration occasion attend participate:
    party wedding birthday concert festival conference workshop parade ceremony funeral reunion graduation meeting fair
    exhibition show retreat seminar convention tournament gala fundraiser anniversary holiday christmas thanksgiving
    easter halloween
volunteer charity help community cause:
    shelter donate donation fundraiser homeless food bank mentoring mentor volunteering nonprofit cleanup soup kitchen
    awareness campaign
clothes clothing wear outfit:
    shirt dress jacket coat shoes boots hat scarf necklace ring bracelet jeans skirt suit sneakers gloves sweater jersey
gift present item object collect collection own bought:
    necklace ring book toy watch card flowers picture painting doll figurine coin stamp jersey poster dvd vinyl mug
house home live residence accommodation:
    apartment flat room kitchen bedroom garden rent mortgage moved landlord roommate cottage mansion neighborhood
plan goal aim ambition intend dream hope want:
    going hoping planning want wish dream goal future someday next soon aim thinking considering looking forward
pet breed dog:
    labrador retriever shepherd poodle beagle bulldog husky terrier spaniel collie dachshund
religion religious spiritual faith belief:
    church god pray prayer faith christian jewish muslim buddhist temple mosque bible
personality trait character kind describe:
    kind brave thoughtful caring creative honest patient strong funny driven passionate generous determined supportive
colour color:
    red blue green yellow orange purple pink black white grey gray brown
weather season:
    rain snow sun sunny wind windy storm hot cold cloudy fog winter summer spring autumn fall
money cost price pay financial:
    dollars euros pounds rent salary loan debt savings bank budget fee cheap expensive bill tax paid
device computer technology software programming:
    laptop phone tablet computer camera app code python java website server robot
decide decision decided choose chose agreed:
    decided decision reversed agreed settled instead changed final official chosen rule
why reason cause because:
    because reason since cause therefore why so due
problem trouble incident fail challenge wrong difficult:
    failed broke broken lost stolen stuck problem trouble issue error outage late delay incident hard struggle setback
deadline due finish date:
    deadline due until by end submit submitted delivered moved postponed
"""


def _read(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.endswith(":"):
            found.append((line[:-1], ""))
        else:
            names, things = found[-1]
            found[-1] = (names, f"{things} {line.strip()}".strip())
    return tuple(found)


KINDS: Final = _read(_KINDS)
"""Names of a kind, and things of that kind; words parted by spaces."""
