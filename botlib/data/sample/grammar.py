"""The words and sentence patterns of the made-up Reddit that `world.py` writes.

Three things make it worth reading, and easy to learn for a GPT-2 of 0.9 million weights: every term
is a plural, so any pattern takes any term; each kind of comment has answers of its own, so a reply
depends on what it answers; and sentences are short, with the word that varies near their end. Since
most of them hold such a word, twelve words in a row seldom come twice.
"""

from typing import NamedTuple


class Topic(NamedTuple):
    """What belongs to a topic.

    Attributes:
      terms: plurals. Each belongs to one topic only and stands nowhere else, so that a text's
        topic can be read off its words.
      advice: what helps with it, as a verb and its object.
      remarks: what people say when it comes up.
    """

    terms: tuple[str, ...]
    advice: tuple[str, ...]
    remarks: tuple[str, ...]


class Comment(NamedTuple):
    """A kind of comment: how it opens, how it goes on, and how replies to it open."""

    opening: str
    middles: tuple[str, ...]
    answers: tuple[str, ...]


TOPICS: dict[str, dict[str, Topic]] = {
    "writing": {
        "dialogue": Topic(
            ("monologues", "accents", "whispers", "insults"),
            ("read it aloud", "cut the greetings", "let people interrupt"),
            (
                "My detectives all talk like {who}.",
                "The swearing is done by {who}.",
                "Nobody speaks before page {n}.",
            ),
        ),
        "plot": Topic(
            ("plot twists", "cliffhangers", "flashbacks", "subplots"),
            ("write the ending first", "use index cards", "remove the dragon"),
            (
                "The murderer was {who}.",
                "My hero naps on page {n}.",
                "Only the dragon survives chapter {n}.",
            ),
        ),
        "characters": Topic(
            ("villains", "sidekicks", "mentors", "orphans"),
            ("add a bad knee", "let them fail early", "write their shopping list"),
            (
                "One of mine married {who}.",
                "The worst one resembles {who}.",
                "Mine sulk until chapter {n}.",
            ),
        ),
    },
    "scifi": {
        "starships": Topic(
            ("starships", "warp drives", "airlocks", "escape pods"),
            ("draw the deck plan", "limit the fuel", "add more seat belts"),
            (
                "Our captain is {who}.",
                "We left without {who}.",
                "Yesterday we scratched moon {n}.",
            ),
        ),
        "aliens": Topic(
            ("aliens", "tentacles", "hive minds", "translators"),
            ("describe their lunch", "study an octopus", "explain less"),
            (
                "Their leader looks like {who}.",
                "They only came for {who}.",
                "They learn English by page {n}.",
            ),
        ),
        "robots": Topic(
            ("cyborgs", "androids", "toasters", "uprisings"),
            ("assign boring jobs", "write the manual", "hide the charger"),
            (
                "Mine apologised to {who}.",
                "The lift only listens to {who}.",
                "The vacuum cleaner fled to floor {n}.",
            ),
        ),
    },
    "MachineLearning": {
        "training": Topic(
            ("gradients", "optimizers", "learning rates", "batch sizes"),
            ("plot the loss first", "overfit one batch", "halve the step size"),
            (
                "My loss went to lunch with {who}.",
                "The model converged on {who}.",
                "It forgot everything in epoch {n}.",
            ),
        ),
        "data": Topic(
            ("datasets", "labels", "outliers", "duplicates"),
            ("read a hundred rows", "count the empty cells", "split by source"),
            (
                "Every photo shows {who}.",
                "The cleaning was left to {who}.",
                "Never trust row {n}.",
            ),
        ),
        "deployment": Topic(
            ("servers", "pipelines", "dashboards", "outages"),
            ("cache the answers", "ship the small model", "avoid Fridays"),
            (
                "The pager belongs to {who}.",
                "Production is run by {who}.",
                "It crashed on attempt {n}.",
            ),
        ),
    },
    "philosophy": {
        "ethics": Topic(
            ("duties", "virtues", "utilitarians", "trolley problems"),
            ("change one detail", "ask who pays", "read the critics"),
            (
                "Kant never met {who}.",
                "The tram stopped for {who}.",
                "I would have taken bus {n}.",
            ),
        ),
        "mind": Topic(
            ("zombies", "qualia", "dualists", "daydreams"),
            ("define the word first", "ask a bat", "keep a diary"),
            (
                "Before coffee I am {who}.",
                "The brain in the jar was {who}.",
                "I stopped thinking on day {n}.",
            ),
        ),
        "freedom": Topic(
            ("choices", "fatalists", "habits", "excuses"),
            ("flip a coin", "start small", "blame the stars"),
            (
                "Fate sent me {who}.",
                "My horoscope mentions {who}.",
                "I chose soup number {n}.",
            ),
        ),
    },
}

# Who has a part in every second story
WHO = (
    "my aunt", "my barber", "my boss", "my cousin", "my florist", "my lodger", "my mother",
    "my plumber", "my sister", "my tailor", "the butcher", "the cat", "the choir", "the duchess",
    "the goldfish", "the mayor", "the parrot", "the postman", "the sheriff", "the vicar",
)  # fmt: skip

# Made-up works people talk about: an answer on the point names the same one.
WORK_FIRST = (
    "Amber", "Broken", "Crooked", "Distant", "Empty", "Golden", "Hidden", "Iron", "Lonely",
    "Narrow", "Paper", "Quiet", "Rusted", "Silver", "Velvet", "Winter",
)  # fmt: skip
WORK_SECOND = (
    "Anchor", "Bridge", "Compass", "Door", "Engine", "Forest", "Garden", "Harbour", "Island",
    "Lantern", "Mirror", "Orchard", "River", "Signal", "Tower", "Violin",
)  # fmt: skip

_ASKING = ("I even read {work}.", "So far I only asked {who}.", "It is already week {n}.")
_SUFFERING = (
    "I expected more from {work}.",
    "By now I envy {who}.",
    "It cost me lamp number {n}.",
)
_CLAIMING = ("Just look at {work}.", "I have proof from {who}.", "I stopped reading on page {n}.")
_PRAISING = ("It all began with {work}.", "I shall inform {who}.", "I laughed until page {n}.")

COMMENTS = (
    Comment(
        "How do you live with {term}?",
        _ASKING,
        ("One day at a time.", "I moved in with {who}.", "I keep the door shut."),
    ),
    Comment(
        "Is it normal to dream about {term}?",
        _ASKING,
        ("Perfectly normal.", "Only on Mondays.", "I dream about {who}."),
    ),
    Comment(
        "Who can explain {term} to me?",
        _ASKING,
        ("Nobody can.", "Bring a pencil.", "Even Wikipedia asked {who}."),
    ),
    Comment(
        "I give up on {term}.",
        _SUFFERING,
        ("Welcome to the club.", "Giving up takes practice.", "So did {who}."),
    ),
    Comment(
        "{Term} ruined my weekend.",
        _SUFFERING,
        ("They took my summer.", "Send the bill to {who}.", "Weekends are overrated."),
    ),
    Comment(
        "Nobody warned me about {term}.",
        _SUFFERING,
        ("There was a sign.", "It was in the leaflet.", "We even sent {who}."),
    ),
    Comment(
        "People overrate {term}.",
        _CLAIMING,
        ("Strong words.", "Not in my house.", "Tell that to {who}."),
    ),
    Comment(
        "Nothing beats {term}.",
        _CLAIMING,
        ("Soup does.", "Have you met {who}?", "A nap comes close."),
    ),
    Comment(
        "I would ban {term}.",
        _CLAIMING,
        ("You would miss them.", "They would return by night.", "Over my umbrella."),
    ),
    Comment(
        "I finally understand {term}!",
        _PRAISING,
        ("It passes.", "Now explain them to {who}.", "Take notes while it lasts."),
    ),
    Comment(
        "{Term} made my day.",
        _PRAISING,
        ("Small joys count.", "Save some for winter.", "Mine was stolen by {who}."),
    ),
    Comment(
        "I fell in love with {term}.",
        _PRAISING,
        ("It starts like that.", "Meet the family first.", "Do not tell {who}."),
    ),
)
# How a reply to a reply opens
TO_REPLIES = ("Fair enough.", "Says who?", "I will allow it.", "You sound like {who}.")

POLITE = ("Please help, thank you!", "Thank you in advance.", "Any advice is welcome, please.")
IMPOLITE = ("Whatever.", "Explain that.", "Do not waste my time.")
CLOSING = ("", "", "", "What a week.", "Back to work now.", "The kettle is on.")

# What a reply says of a topic, and of the work named in the comment
ON_TERM = (
    "My uncle collects {term}.",
    "I was raised among {term}.",
    "It smells of {term}.",
    "My garage holds {n} {term}.",
    "Last winter we lost {n} {term}.",
    "Grandmother left me {n} {term}.",
)
ON_WORK = ("It is all in {work}.", "See also {work}.", "{Work} says it better.")
HELP = ("Wait {n} days, then {advice}.", "My advice for {n} cents: {advice}.")
FILLER = ("Sent from bus {n}.", "Ask me again in {n} years.", "{Who} agrees.", "Regards to {who}.")

TITLES = (
    "Weekly talk about {term}",
    "Struggling with {term}",
    "Let us discuss {term}",
    "{Term}: where do I begin?",
    "A thought on {term} and {work}",
)
POSTS = (
    "I want to hear your views on {term}. {Work} kept me awake.",
    "Day {n} with {term}. Nobody has won.",
    "Everything I know about {term} comes from {work}. My boss has noticed.",
)

# What the cleaning rules are for
MODERATOR = (
    "Hello and welcome! I am a bot, and this action was performed automatically. Please "
    "contact the moderators of this subreddit if you have any questions or concerns."
)
TEMPLATE = (
    "Visitor {n}, you have been gifted a token of thanks by the community garden project! "
    "Visit our page to see how many tokens you own today."
)
FOREIGN = (
    "Eso depende mucho de lo que quieres hacer y de los libros que tienes en casa.",
    "Das habe ich auch schon oft gedacht, aber es ist nicht so einfach wie es aussieht.",
    "Je pense que tu as raison mais il faut encore lire les autres pages du livre.",
)
SHORT = ("This.", "lol", "Same.")
NAMES_FIRST = ["ink", "fern", "moss", "oak", "rain", "salt", "slate", "star", "tide", "wren"]
NAMES_SECOND = ["cat", "desk", "fox", "hat", "jar", "key", "lamp", "map", "owl", "pen"]
