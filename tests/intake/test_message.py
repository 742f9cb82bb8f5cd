"""Whatever stands where a message should be, reading it ends in a value and never in an error."""

from hypothesis import given
from hypothesis import strategies as st

from memsync.intake.chatgpt_message import Instructions, Said, read_message
from memsync.intake.chatgpt_tree import read_tree
from memsync.intake.incoming import Reason

KEYS = st.sampled_from(
    "id author role name metadata content content_type parts text language recipient channel create_time attachments "
    "asset_pointer dalle prompt user_context_message_data about_user_message user_profile user_instructions updates "
    "pattern replacement is_visually_hidden_from_conversation model_slug".split()
)
WORDS = st.sampled_from(
    "user assistant system tool all python text code multimodal_text thoughts user_editable_context image_asset_pointer "
    "audio_transcription canmore.create_textdoc canmore.update_textdoc [] {} .* ``` \ud83d \x00 חברה".split(
        " "
    )
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
MESSAGES = st.fixed_dictionaries(
    {
        "author": st.fixed_dictionaries({"role": WORDS | JUNK}) | JUNK,
        "content": st.fixed_dictionaries({"content_type": WORDS, "parts": st.lists(JUNK, max_size=4)}) | JUNK,
        "metadata": st.dictionaries(KEYS, JUNK, max_size=4) | JUNK,
        "recipient": WORDS | JUNK,
    }
)


@given(MESSAGES | JUNK)
def test_any_message_is_said_or_instructions_or_a_reason(message):
    read = read_message(message, "gpt")
    if isinstance(read, Said):
        assert read.role in {"user", "assistant"}
        assert read.text.strip()
        assert read.text.encode()
    elif isinstance(read, Instructions):
        assert all(text.strip() and text.encode() for text in read.texts)
        assert read.texts
    else:
        assert isinstance(read, Reason)


@given(st.lists(st.none() | st.integers(0, 11), min_size=1, max_size=12), st.data())
def test_in_any_forest_parents_come_first_and_every_node_once(parents, draw):
    # A parent is an earlier node, or None: so there is no circle. 11 may be a node that is not there.
    mapping = {}
    for number, parent in enumerate(parents):
        name = None if parent is None else f"n{parent}" if parent < number else "gone"
        time = draw.draw(st.none() | st.integers(1, 5))
        mapping[f"n{number}"] = {"parent": name, "message": {"create_time": time}}
    tree = read_tree(
        {"mapping": mapping, "current_node": draw.draw(st.none() | st.sampled_from(sorted(mapping)))}, "here"
    )
    order = [node.id for node in tree.nodes]
    assert sorted(order) == sorted(mapping)
    for node in tree.nodes:
        assert node.parent is None or order.index(node.parent) < order.index(node.id)
        assert node.id not in tree.current or node.parent is None or node.parent in tree.current
    roots = {node.id for node in tree.nodes if node.parent is None}
    assert roots <= tree.current
    children_taken = [
        node.parent for node in tree.nodes if node.id in tree.current and node.parent is not None
    ]
    assert len(children_taken) == len(set(children_taken))
