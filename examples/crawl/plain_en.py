# ruff: noqa: E501 (running text and HTML are not broken)
"""English pages without mathematics: recipes, travel, news, manuals, a shop, poetry, sports, gardening.

Some carry what a careless filter takes for math: prices in dollars, scores, quantities, code, the word "problem".
"""

from collections.abc import Iterator
from random import Random

from .page import Page, parse_blocks
from .prose import Filler
from .sites import Site

WORDS = {
    "vegetable": ("aubergines", "leeks", "parsnips", "spinach", "fennel", "kale", "courgettes", "beetroot", "celeriac", "chard", "pumpkin", "radishes"),
    "staple": ("barley", "lentils", "chickpeas", "couscous", "polenta", "brown rice", "noodles", "white beans", "potatoes", "sourdough crumbs"),
    "herb": ("thyme", "coriander", "dill", "sage", "parsley", "rosemary", "tarragon", "mint", "chives", "oregano"),
    "spice": ("cumin", "smoked paprika", "turmeric", "cardamom", "nutmeg", "black pepper", "star anise", "mustard seed"),
    "dairy": ("goat's cheese", "yoghurt", "butter", "cream", "feta", "ricotta", "buttermilk"),
    "relative": ("grandmother", "uncle", "neighbour", "flatmate", "aunt", "old teacher", "cousin", "landlady"),
    "town": ("Halverstad", "Porto Lume", "Greywick", "Santa Orsola", "Kirkmoor", "Belvaux", "Tornhavn", "Osterby", "Villa Fresca", "Langmere", "Dunholm", "Castelrosso"),
    "sight": ("lighthouse", "cathedral", "covered market", "botanical garden", "harbour museum", "old mill", "observatory", "city wall", "monastery", "glassworks", "aqueduct", "opera house"),
    "weather": ("drizzle", "bright sunshine", "thick fog", "a stiff breeze", "sudden hail", "mild evening air", "early snow"),
    "vehicle": ("night train", "ferry", "tram", "rented bicycle", "village bus", "funicular", "rowing boat"),
    "animal": ("herons", "goats", "swallows", "a sleepy cat", "seals", "donkeys", "wild geese", "foxes"),
    "colour": ("ochre", "pale green", "cobalt blue", "brick red", "charcoal", "lavender", "mustard yellow"),
    "person": ("Marguerite Olsen", "Tobias Renn", "Ayesha Karim", "Colm Brady", "Ingrid Falk", "Pavel Horak", "Lucia Bassi", "Derek Adeyemi", "Noor Haddad", "Simon Vale", "Rita Gomes", "Anders Holt"),
    "office": ("city council", "harbour authority", "school board", "transport agency", "museum trust", "water company", "housing office", "fire brigade"),
    "project": ("footbridge", "swimming hall", "bus lane", "library extension", "flood barrier", "skate park", "recycling yard", "concert pavilion", "tram depot"),
    "software": ("Quill", "Harvester", "Lantern", "Tidepool", "Packrat", "Sextant", "Brambles", "Copperline"),
    "setting": ("log level", "cache directory", "retry limit", "proxy address", "colour theme", "token lifetime", "thread pool", "time zone"),
    "verb": ("install", "upgrade", "restart", "configure", "remove", "mirror", "inspect", "profile"),
    "product": ("rain jacket", "desk lamp", "espresso pot", "wool blanket", "camping stove", "wall clock", "leather satchel", "bread knife", "bicycle pump", "picture frame", "thermos", "garden chair"),
    "material": ("recycled nylon", "oiled oak", "brushed steel", "merino wool", "borosilicate glass", "waxed cotton", "cast iron", "cork"),
    "poet": ("Elswyth Marr", "Jonathan Pike", "Odile Verrier", "Tam Sorley", "Beatrix Lund", "Aurelio Conti"),
    "poem": ("The Salt Road", "Winter Inventory", "A Room Facing North", "Letters to a Ferryman", "Small Hours", "The Orchard Ledger", "Tidewrack", "Lament for a Bicycle"),
    "image": ("an unlit window", "the smell of rain on slate", "a coat on a nail", "gulls over a car park", "an unfinished letter", "ash on the doorstep", "a kettle that nobody lifts"),
    "mood": ("grief", "quiet irony", "homesickness", "stubborn joy", "resignation", "tenderness", "impatience"),
    "club": ("Rovers", "Harbour United", "Northgate", "Wanderers", "St Brannock's", "Millfield", "Old Town", "Riverside Athletic"),
    "player": ("Okafor", "Lindqvist", "Mendes", "Takahara", "Byrne", "Kowalczyk", "Duarte", "Ferreira", "Novak", "Sissoko"),
    "moment": ("just before the break", "in the opening minutes", "deep into stoppage time", "after an hour of dull passing", "from the restart", "against the run of play"),
    "flower": ("foxgloves", "dahlias", "sweet peas", "alliums", "hellebores", "cosmos", "lupins", "asters", "snowdrops"),
    "pest": ("slugs", "aphids", "vine weevils", "caterpillars", "pigeons", "mildew"),
    "soil": ("heavy clay", "sandy loam", "chalky soil", "leaf mould", "well-rotted manure", "peat-free compost"),
    "month": ("January", "March", "April", "May", "June", "August", "September", "October", "November"),
}  # fmt: skip

# kind: (chrome, site's name, sections, title frames, sentence frames)
KINDS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "recipes": ("blog", "The Patient Spoon", ("Soups", "Bakes", "Preserves"), (
        "{vegetable} with {staple} and {herb}", "{staple} the way my {relative} made it", "A warm salad of {vegetable} and {dairy}"), (
        "My {relative} used to cook this on {wet|cold|busy|lazy} evenings when {weather} kept everybody indoors.",
        "Rinse {2..5} cups of {staple} under cold water until it runs clear, then leave to drain.",
        "Cut the {vegetable} into {thin strips|rough chunks|even slices} and salt them lightly; after {10..40} minutes they will have given up their bitterness.",
        "Warm a heavy pan, add {1..4} tablespoons of oil and let the {spice} sizzle until the kitchen smells wonderful.",
        "Stir in a spoonful of {dairy}, which rounds off the sharp edge of the {spice}.",
        "Bake at {160..220} degrees for {20..55} minutes, turning the tray once.",
        "Scatter chopped {herb} over the top just before serving, never earlier, or it goes grey.",
        "If you cannot find {vegetable}, {vegetable} will do, though the texture is {softer|firmer|less silky}.",
        "Leftovers keep for {2..5} days in the fridge and taste even better cold, with a slice of rye bread.",
        "The only problem with this dish is that there is never enough of it for second helpings.",
        "Serves {2..8}; preparation takes {15..50} minutes, most of which you spend waiting.",
        "A squeeze of lemon and a pinch of {spice} wake everything up at the last moment.",
        "Guests who claim to hate {vegetable} have been seen wiping the plate with a crust.")),
    "travel": ("blog", "Slow Luggage", ("Coast", "Mountains", "Cities"), (
        "Three days in {town}", "From {town} to {town} by {vehicle}", "{town} out of season"), (
        "We reached {town} by {vehicle}, late in the afternoon, in {weather}.",
        "The {sight} opens at {8..11} and costs {4..18} euros, which buys you the company of {animal} and very few tourists.",
        "Our room had {colour} shutters and looked straight onto the {sight}.",
        "A man selling newspapers told us that the {sight} had been closed since {month} and nobody knew why.",
        "For lunch there was {staple} with {vegetable}, and a carafe of something {colour} and dangerous.",
        "Take the steps behind the {sight}; there are {120..480} of them, and at the top you can see as far as {town}.",
        "In the morning {animal} crossed the square as though they paid rent.",
        "The {vehicle} leaves twice a day except in {month}, when it does not leave at all.",
        "Do not miss the {sight}, whose {colour} tiles were laid by sailors from {town}.",
        "It rained for {2..9} hours, so we learned a card game from the landlord's {relative}.",
        "On the last evening {weather} gave way to stars, and someone played the accordion rather badly.",
        "Bring comfortable shoes, small change and no fixed plans.",
        "I would return tomorrow for the light alone, never mind the {herb} bread.")),
    "news": ("portal", "The Langmere Courier", ("Local", "Business", "Culture", "Weather"), (
        "{office} delays {project} again", "New {project} for {town} approved", "Residents of {town} divided over {project}"), (
        "The {office} of {town} announced on {Monday|Tuesday|Thursday|Friday} that work on the {project} will begin in {month}.",
        "According to {person}, who chairs the committee, the cost has risen from {2..6} to {7..14} million.",
        "\"We have listened to every household in the street,\" said {person}, \"and we will go on listening.\"",
        "Opponents collected {1200..8900} signatures and handed them over outside the {sight}.",
        "Traffic will be diverted past the {sight} for about {3..18} weeks.",
        "A spokesperson for the {office} declined to comment on reports of {weather|leaking pipes|missing permits}.",
        "The architect, {person}, described the {colour} facade as a greeting to the river.",
        "Shopkeepers fear for the {month} season, traditionally their busiest.",
        "A survey found that {31..68} per cent of those asked had never heard of the plan.",
        "Earlier schemes, among them a {project}, were abandoned after the elections.",
        "The vote in the chamber was {18..29} to {8..17}, with {1..5} abstentions.",
        "Construction firms from {town} and {town} have submitted bids.",
        "Schoolchildren will be invited to bury a time capsule under the first stone.")),
    "manual": ("book", "{software} handbook", ("Install", "Configure", "Reference", "FAQ"), (
        "How to {verb} {software}", "Changing the {setting} of {software}", "Troubleshooting: {software} does not start"), (
        "Before you {verb} {software}, stop the service and make a copy of the `\\$HOME/.config` folder.",
        "The {setting} is read once, when the process starts; editing it later has no effect until you {verb} the service.",
        "Version {2..6}.{0..14} changed the default {setting}, so older scripts may print a warning.",
        "Open a terminal and type `{verb} --force --verbose`, then wait for the prompt to come back.",
        "If the log contains the word \"refused\", check the {setting} and the firewall in this order.",
        "On machines with less than {2..16} gigabytes of memory, lower the {setting} to avoid swapping.",
        "Environment variables such as `\\$PATH` and `\\$LANG` are passed on unchanged.",
        "The graphical assistant shows a {colour} bar while it copies {40..900} files.",
        "Administrators can {verb} several hosts at once by listing them in the inventory.",
        "A known problem of {software} {3..9} is that the {setting} is ignored over slow links.",
        "To undo the change, restore the copy and {verb} again; your data is left untouched.",
        "Plug-ins written by {person} are distributed separately and follow their own schedule.",
        "See the chapter on the {setting} for the full list of values.")),
    "shop": ("portal", "Harbour & Home", ("Kitchen", "Outdoor", "Sale", "Gifts"), (
        "{product} in {material}", "{colour} {product}, second edition", "Our best {product} for travellers"), (
        "This {product} is made of {material} and comes in {colour}, {colour} and {colour}.",
        "Now only \\${12..89} instead of \\${95..160}; orders over \\${40..75} ship free within two days.",
        "Customers who bought the {product} also looked at our {product} for \\${8..60}.",
        "It weighs {200..950} grams and fits into any ordinary drawer or rucksack.",
        "Clean it with lukewarm water; never put {material} into the dishwasher.",
        "\"I gave one to my {relative} and had to buy another for myself,\" writes {person} from {town}.",
        "Rated {3..5} out of 5 by {40..900} shoppers.",
        "Two years of guarantee; spare parts cost between \\${3..7} and \\${11..19}.",
        "The {material} is supplied by a family workshop near {town}.",
        "Buy two and save \\${5..15} with the code on your receipt until the end of {month}.",
        "Please note that the {colour} version is on back order until {month}.",
        "Return it within {14..60} days if it does not please you; we pay the postage.",
        "A gift box in {colour} paper can be added at the checkout for \\${2..6}.")),
    "poetry": ("old", "Marginalia, a reading diary", ("Index", "Poets", "Letters"), (
        "Rereading {poem}", "{poet} and the uses of {mood}", "On a single line in {poem}"), (
        "The first stanza of \"{poem}\" offers {image} and asks for nothing else.",
        "{poet} wrote it in {town}, in a rented room, during {weather}.",
        "What looks like {mood} turns, by the third reading, into something closer to {mood}.",
        "Notice how the sentence runs over the line break, as if the breath had been held for {2..5} syllables too long.",
        "Critics have made much of {image}, but {image} seems to me the true centre of the piece.",
        "The rhyme arrives late, like a {relative} at a wedding, and is forgiven at once.",
        "Compare the ending of \"{poem}\", where the same word stands alone.",
        "In a letter to {person} the poet complained that readers wanted {mood} and she could only give them weather.",
        "My edition, {colour} cloth, second hand, has somebody's pencil marks beside exactly these verses.",
        "There are {12..28} lines, and not one of them explains itself.",
        "Read aloud, the vowels darken from beginning to end.",
        "Translators have tried to keep either the music or the joke; nobody has kept both.",
        "I used to think the poem was about {mood}; now I believe it is about {animal}.")),
    "sports": ("portal", "Touchline", ("Fixtures", "Results", "Tables", "Clubs"), (
        "{club} {2..5}, {club} {0..1}: a night to remember", "{player} rescues a point for {club}", "{club} stay top after win in {town}"), (
        "{player} put {club} ahead {moment} with a low shot from {12..30} metres.",
        "{club} had {52..71} per cent of the ball and {11..24} attempts, yet only {2..6} of them were on target.",
        "The equaliser came {moment}, when {player} headed in a corner by {player}.",
        "In front of {3400..41000} spectators the referee showed {2..7} yellow cards.",
        "\"We were tired, but nobody stopped running,\" said coach {person} afterwards.",
        "With {31..62} points from {17..30} matches, {club} now lead {club} by {1..9}.",
        "{player}, who had scored {4..19} goals before the winter, limped off {moment}.",
        "It was the first defeat for {club} since {month}, and the travelling supporters sang all the same.",
        "The relay team finished in {3..4} minutes and {10..59} seconds, a record for the {town} track.",
        "Next week {club} travel to {town}, where they have lost on their last {2..6} visits.",
        "A penalty, awarded {moment}, was saved by the substitute goalkeeper {player}.",
        "The pitch suffered from {weather}, and long balls simply died in the mud.",
        "Season tickets for {club} go on sale in {month}.")),
    "garden": ("blog", "Mud and Marigolds", ("Borders", "Kitchen garden", "Diary"), (
        "What to do in {month}", "Growing {flower} on {soil}", "My war with the {pest}"), (
        "In {month} the {flower} need tying to canes before {weather} flattens them.",
        "Dig in {2..6} barrows of {soil} for every bed and leave the frost to do the rest.",
        "The {pest} arrived overnight and ate {flower}, {flower} and most of my good temper.",
        "Sow {herb} in shallow rows about {10..40} centimetres apart.",
        "My {relative} swears by eggshells against {pest}; I have seen no difference in {3..12} years.",
        "{flower} in {colour} look their best behind a low hedge of {herb}.",
        "Water in the early morning, at the roots, and never in full sun.",
        "Cut back the {flower} by a third once the last blooms turn {colour}.",
        "A robin supervises everything I do and takes {2..9} worms as its fee.",
        "Old sacks of {soil} make a good home for {vegetable} if you roll down the sides.",
        "Label the seedlings at once, because by {month} every one of them looks like a weed.",
        "The compost heap steamed gently all through {month}, and {animal} slept on it.",
        "Next year I shall plant fewer {vegetable} and more {flower}.")),
}  # fmt: skip


def pages(rng: Random, per_kind: int) -> Iterator[Page]:
    """`per_kind` pages of each kind."""
    for kind in KINDS:
        for number in range(per_kind):
            yield page(rng, number, kind)


def page(rng: Random, number: int, kind: str | None = None) -> Page:
    """One page; a kind is drawn where none is given."""
    kind = kind or rng.choice(sorted(KINDS))
    chrome, name, sections, titles, frames = KINDS[kind]
    filler = Filler(rng, WORDS, fixed=("software",))
    title = filler.fill(titles[number % len(titles)])
    sentences = [filler.fill(frame) for frame in rng.sample(frames, 9)]
    paragraphs = [" ".join(sentences[i : i + 3]) for i in range(0, 9, 3)]
    site = Site(f"{kind}.example", filler.fill(name), "en", chrome, sections, tagline=f"{sections[0]} and more")
    blocks = parse_blocks("\n\n".join([f"# {title}", *paragraphs]))
    return Page(
        site.url(f"{number + 1}/{_slug(title)}"),
        "plain",
        "en",
        blocks,
        math=False,
        home=site,
        related=(filler.fill(titles[0]),),
    )


def _slug(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
