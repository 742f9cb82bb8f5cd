"""Lives of vaults to be told: each a list of verbs of a :class:`Story`."""

from __future__ import annotations

from memsync.format.rights import READ, WRITE
from tests.format.story import Story
from tests.format.world import START


def tell(label: str = "golden") -> Story:
    """The life of the golden vault, ten pushes."""
    story = Story(label, contract=bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
    story.add_device("laptop")
    story.add_device("phone")
    story.add_scope("personal")
    story.add_scope("work")
    tea = story.remember("personal", "Ada drinks tea without milk.", tags=("drink", "taste"))
    secret = story.remember("personal", "Ada once forgot her mother's birthday.")
    story.remember("work", "The release is on Friday.", kind="episodic", happened=(START - 86_400) * 1000)
    story.push()  # 1: the vault is opened

    story.edit("personal", tea, "Ada drinks tea with a little milk.")
    story.remember("personal", "Ada's sister is called Grace. 👩‍🔬", valid_from=-86_400_000)
    story.grant("Visitor", "personal", READ)
    story.push()  # 2: the only reader comes

    story.revoke("Visitor")
    train = story.remember("personal", "Ada takes the train at eight.")
    story.push()  # 3: and goes: the scope rotates, the pointer key moves on

    story.grant("Historian", "personal", READ)
    story.grant("Writer", "work", WRITE)
    story.remember("personal", "Ada plays the cello.")
    story.push()  # 4

    story.grant("Newcomer", "personal", READ, from_now_on=True)
    story.grant("Former", "work", READ)
    story.remember("personal", "Ada is learning Danish.", supersedes=())
    story.push()  # 5: sealed under the old epoch, then the newcomer's begins

    story.forget("personal", secret)
    story.remember("personal", "Ada moved to Aarhus.", happened=START * 1000)
    story.propose("Writer", "The tests run in two minutes.", "Bob owes Ada a coffee.")
    story.propose("Writer", "The tests run in two minutes.", "Bob owes Ada a coffee.", "The build is green.")
    story.accept("Writer", 0, 2)
    story.remember("work", "Bob reviews on Mondays.")
    story.push()  # 6: forgotten, and proposed memories taken in

    story.revoke("Former")
    story.remember("work", "The budget was cut in half.")
    story.push()  # 7: other readers survive, so the pointer key stays

    story.remove_device("phone")
    story.remember("personal", "Ada lost her phone.")
    story.remember("work", "All passwords were changed.")
    story.push()  # 8: generation 1, every scope rotates, the writer's grant is made anew

    story.edit("personal", train, "Ada takes the train at nine.")
    story.propose("Writer again", "The phone was found.")
    story.push()  # 9: a parcel waits

    story.rename_scope("work", "company")
    story.push()  # 10: no memory is added
    return story
