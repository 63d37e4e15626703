"""The words and sentence patterns of the made-up Reddit that `world.py` writes."""

# Every term belongs to one topic only, so that a text's topic can be read off its words.
# topic: (terms a text may name, advice that helps with it)
TOPICS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "writing": {
        "dialogue": (
            ("dialogue", "banter", "speech tags", "accents", "monologues"),
            ("read every line aloud", "cut the greetings", "give each speaker a secret"),
        ),
        "plot": (
            ("plot", "subplots", "twists", "cliffhangers", "foreshadowing"),
            ("write the ending first", "put each scene on a card", "raise the stakes twice"),
        ),
        "characters": (
            ("characters", "villains", "narrators", "sidekicks", "motives"),
            ("interview them for a page", "give them a wrong belief", "let them fail early"),
        ),
        "editing": (
            ("editing", "rewrites", "adverbs", "typos", "second drafts"),
            ("wait two weeks", "print the pages", "delete the first paragraph"),
        ),
    },
    "scifi": {
        "starships": (
            ("starships", "warp drives", "airlocks", "hull plates", "fusion engines"),
            ("look up real orbital maths", "draw the deck plan", "limit the fuel"),
        ),
        "aliens": (
            ("aliens", "first contact", "hive minds", "xenobiology", "translators"),
            ("begin with what they eat", "study octopus behaviour", "leave one thing unexplained"),
        ),
        "robots": (
            ("robots", "androids", "positronic brains", "uprisings", "servos"),
            ("give it a boring job", "write its manual", "choose one law to break"),
        ),
        "timetravel": (
            ("time travel", "paradoxes", "timelines", "wormholes", "grandfathers"),
            ("fix one rule of cause", "make a wall calendar", "forbid a second trip"),
        ),
    },
    "MachineLearning": {
        "training": (
            ("training", "learning rates", "gradients", "batch sizes", "optimizers"),
            ("draw the loss first", "overfit one batch", "halve the step size"),
        ),
        "data": (
            ("datasets", "labels", "annotation", "class imbalance", "outliers"),
            ("read a hundred rows yourself", "split by source", "count the duplicates"),
        ),
        "deployment": (
            ("deployment", "latency", "quantization", "servers", "monitoring"),
            ("measure the slowest percentile", "cache the answers", "ship the small model"),
        ),
        "papers": (
            ("papers", "reviewers", "ablations", "citations", "rebuttals"),
            ("start from the appendix", "rerun the baseline", "ask the authors by mail"),
        ),
    },
    "philosophy": {
        "ethics": (
            ("ethics", "trolley problems", "duties", "utilitarians", "virtues"),
            ("change one detail of the case", "ask who bears the cost", "read the critics first"),
        ),
        "mind": (
            ("consciousness", "qualia", "zombies", "dualism", "perception"),
            ("define the term before arguing", "take the bat essay", "keep a diary of attention"),
        ),
        "freedom": (
            ("free will", "determinism", "compatibilism", "fatalism", "choices"),
            ("separate blame from cause", "list the hidden premises", "test it on a habit"),
        ),
        "knowledge": (
            ("knowledge", "scepticism", "justified beliefs", "evidence", "doubt"),
            ("try the lottery example", "ask what would refute it", "trust the boring source"),
        ),
    },
}

# Made-up works people talk about: an answer on the point names the same one.
WORK_FIRST = [
    "Amber",
    "Broken",
    "Crooked",
    "Distant",
    "Empty",
    "Fallen",
    "Golden",
    "Hidden",
    "Iron",
    "Lonely",
    "Narrow",
    "Paper",
    "Quiet",
    "Rusted",
    "Silver",
    "Tangled",
    "Velvet",
    "Winter",
]
WORK_SECOND = [
    "Anchor",
    "Bridge",
    "Compass",
    "Door",
    "Engine",
    "Forest",
    "Garden",
    "Harbour",
    "Island",
    "Lantern",
    "Mirror",
    "Orchard",
    "River",
    "Signal",
    "Tower",
    "Violin",
]

# mood: (openings of a comment, the middle, openings of replies to it)
MOODS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "question": (
        (
            "How do you deal with {term}?",
            "Does anyone here understand {term}?",
            "What is the best way to learn about {term}?",
            "Is it normal to get stuck on {term}?",
        ),
        (
            "I tried {work} but it did not explain {term}.",
            "I have been at it for {n} weeks.",
            "My copy of {work} only has {n} pages on this.",
            "Everyone in my group does it another way.",
        ),
        (
            "Good question.",
            "Short answer: yes.",
            "I asked the same last year.",
            "There is no single answer.",
            "It depends.",
        ),
    ),
    "complaint": (
        (
            "I am so tired of {term}.",
            "{Term} ruined my whole week.",
            "Nobody warned me about {term}.",
            "I give up on {term}.",
        ),
        (
            "After {work} I expected more.",
            "It took me {n} evenings and I have nothing to show.",
            "Even {work} gets this wrong.",
            "I threw away {n} versions.",
        ),
        (
            "That sounds rough.",
            "I feel your pain.",
            "Sorry to hear that.",
            "It gets better, I promise.",
            "We have all been there.",
        ),
    ),
    "opinion": (
        (
            "Nothing comes before {term}.",
            "People overrate {term}.",
            "People misunderstand {term}.",
            "Unpopular view: I find {term} easy.",
        ),
        (
            "Just look at {work}.",
            "{Work} got it right {n} years ago.",
            "At least {n} of my friends say the same.",
            "You can see it in {work}.",
        ),
        ("I agree.", "I disagree.", "Strong claim.", "You may be right.", "Not sure about that."),
    ),
    "praise": (
        (
            "I finally enjoy {term}!",
            "{Term} made my day.",
            "This community taught me all about {term}.",
            "I fell in love with {term}.",
        ),
        (
            "{Work} is what got me started.",
            "Only {n} months ago I knew nothing.",
            "I have now read {work} {n} times.",
            "It all clicked while reading {work}.",
        ),
        (
            "Glad to hear it!",
            "Congratulations!",
            "Love this.",
            "That is wonderful news.",
            "Happy for you!",
        ),
    ),
}

POLITE = ("Please help, thank you!", "Thank you in advance.", "Any thoughts would be kind, please.")
IMPOLITE = ("Whatever.", "Explain that.", "Do not waste my time.")
CLOSING = ("", "", "", "What a week.", "Back to work now.", "That is all.")

# What a reply says of a topic, and of the work named in the comment
ON_TERM = (
    "With {term} it is mostly patience.",
    "I think about {term} every day.",
    "{Term}: a long story.",
    "Most people meet {term} too early.",
    "For me {term} only made sense after {n} tries.",
)
ON_WORK = (
    "{Work} is a good place to look.",
    "I liked {work} for that.",
    "The last part of {work} covers it.",
)
HELP = ("Try this: {advice}.", "What helped me: {advice}.", "My advice: {advice}.")
FILLER = (
    "My sister says so too.",
    "It was raining that day.",
    "I had coffee with a friend about this.",
    "My cat walked over the keyboard.",
    "The bus was late again.",
    "I should go to bed.",
    "Somebody posted about it last month.",
    "My old teacher would laugh.",
    "I wrote {n} pages about it once.",
)

TITLES = (
    "Weekly talk about {term}",
    "Struggling with {term}",
    "Let us discuss {term}",
    "{Term}: where do I begin?",
    "A thought on {term} and {work}",
)
POSTS = (
    "I want to hear your views on {term}. {Work} made me think.",
    "This week I worked on {term} for {n} days. What about you?",
    "Everything I know about {term} comes from {work}. Tell me yours.",
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
