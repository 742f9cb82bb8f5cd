"""Questions in seven languages and five kinds of script: the right memory comes first among others of its own language."""

import os

import pytest

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, new_id
from memsync.recall import TextIndex, refresh

HOME = b"h" * 16
MEMORIES = {
    "German": ("Die Brücke wird im Frühjahr gestrichen", "Meine Großmutter wohnt in der Königstraße", "Der Zahnarzt ist auf Montag verlegt", "Wir heizen mit Buchenholz"),  # noqa: E501
    "Russian": ("Мост будут красить весной", "Моя бабушка живёт в Казани", "Зубной врач перенёс приём на понедельник", "Мы топим берёзовыми дровами"),  # noqa: E501
    "Arabic": ("سيتم طلاء الجسر في الربيع", "جدتي تسكن في الإسكندرية", "موعد طبيب الأسنان يوم الاثنين", "نحن نشرب القهوة في الصباح"),
    "Hindi": ("पुल को वसंत में रंगा जाएगा", "मेरी दादी वाराणसी में रहती हैं", "दंत चिकित्सक सोमवार को मिलेंगे", "हम सुबह चाय पीते हैं"),
    "Chinese": ("这座桥将在春天重新油漆", "我的奶奶住在杭州", "牙医的预约改到星期一", "我们早上喝绿茶"),
    "Japanese": ("橋は春に塗り直される予定です", "祖母は京都に住んでいます", "歯医者の予約は月曜日に変わりました", "朝は緑茶を飲みます"),
    "Thai": ("สะพานจะทาสีใหม่ในฤดูใบไม้ผลิ", "คุณยายอยู่ที่เชียงใหม่", "นัดหมอฟันเลื่อนเป็นวันจันทร์", "เราดื่มชาตอนเช้า"),
}  # fmt: skip
QUESTIONS = {
    "German": ("Wann wird die Brücke gestrichen?", "Wo wohnt die GROSSMUTTER?", "Wann ist der Zahnarzt?"),
    "Russian": ("Когда будут красить мост?", "Где живёт бабушка?", "Когда зубной врач?"),
    "Arabic": ("متى طلاء الجسر؟", "أين تسكن جدتي؟", "متى موعد طبيب الأسنان؟"),
    "Hindi": ("पुल कब रंगा जाएगा?", "दादी कहाँ रहती हैं?", "दंत चिकित्सक कब मिलेंगे?"),
    "Chinese": ("桥什么时候油漆?", "奶奶住在哪里?", "牙医预约是什么时候?"),
    "Japanese": ("橋はいつ塗り直されますか", "祖母はどこに住んでいますか", "歯医者の予約はいつですか"),
    "Thai": ("สะพานทาสีเมื่อไร", "คุณยายอยู่ที่ไหน", "นัดหมอฟันวันไหน"),
}


@pytest.fixture(scope="module")
def index() -> TextIndex:
    database = Database.in_memory()
    memories, index = Memories(database), TextIndex(database)
    texts = [text for some in MEMORIES.values() for text in some]
    mixed = "the dentist says 牙医 and зубной врач in one breath"
    memories.write(
        HOME,
        [
            Memory(
                id=new_id(1, os.urandom), version=new_id(1, os.urandom), kind="semantic", text=text, created=1
            )
            for text in (*texts, mixed)
        ],
    )
    refresh(memories, index)
    return index


@pytest.mark.parametrize("language", MEMORIES)
def test_the_right_memory_comes_first(index: TextIndex, language: str):
    for at, question in enumerate(QUESTIONS[language]):
        hits = index.search(question, [HOME], k=1)
        assert [hit.memory.text for hit in hits] == [MEMORIES[language][at]], question


def test_a_memory_in_two_scripts_is_found_by_either(index: TextIndex):
    for question in ("what does the dentist say in one breath", "牙医 breath", "зубной breath"):
        assert index.search(question, [HOME], k=1)[0].memory.text.startswith("the dentist"), question
