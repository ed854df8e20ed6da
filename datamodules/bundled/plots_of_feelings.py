"""Plots about feelings: fear, envy, pity, and the wish to be able to do something."""

from __future__ import annotations

from datamodules.bundled.story_plot import Plot, casts

AFRAID = Plot(
    casts(
        "fear|scene|truth|gift",
        "the dark|the lamp went out|the dark is only the day having a rest|a small candle",
        "thunder|a storm came up|thunder is only the clouds bumping together|a warm blanket",
        "deep water|everyone went to the lake|water holds you up if you lie still|a round float",
        "the old cellar|the cellar door creaked|it is only the wind playing with the door|a little lantern",
        "big dogs|a big dog came down the path|he only wants to say hello|a biscuit for the dog",
    ),
    (
        (
            "{hero} was not afraid of much, but {he} was afraid of {fear}.",
            "There was one thing that {hero} did not like at all, and that was {fear}.",
        ),
        (
            "{day}, {scene}. {hero} hid behind a chair and shook all over.",
            "{day}, {scene}, and {hero} wanted to run away.",
        ),
        (
            '{friend} sat down beside {him}. "I was afraid once, too," said {friend}.',
            '"Why are you hiding?" asked {friend}. "I am scared of {fear}," {hero} said in a tiny voice.',
        ),
        (
            '{elder} heard them and said, "Listen, {truth}." Then {elder} gave {hero} {gift}.',
            'Then {elder} came and gave {hero} {gift}. "You know, {truth}," said {elder}.',
        ),
    ),
    (
        (
            "{hero} took a deep breath and counted to ten. Nothing bad happened.",
            "With {friend} close by, {hero} took one small step, and then another. It was not so bad.",
        ),
        (
            '"I did it!" {he} said. {His} heart felt big and warm.',
            "{hero} even laughed a little. Being brave felt good.",
        ),
    ),
)

SHARING = Plot(
    casts(
        "thing|use|trouble|plan",
        "swing|swing on it|they both held the rope and would not let go|take turns and count to twenty",
        "sled|ride on it|they pulled until both of them fell into the snow|sit on it together",
        "big puzzle|start it|the pieces flew all over the floor|do one half each",
        "box of paints|paint with it|a jar of water fell over|paint one big picture together",
        "warm pancake|eat it|the plate nearly fell off the table|cut it down the middle",
    ),
    (
        (
            "{day}, {hero} and {friend} both saw the {thing} at the same time.",
            "{day}, {friend} came to visit. They had only one {thing} between them.",
        ),
        (
            '"I want to {use} first!" said {hero}. "No, me!" said {friend}.',
            '{friend} wanted to {use}, and so did {hero}. "It is mine," said {hero}.',
        ),
        (
            "They argued and argued, and {trouble}.",
            "Nobody would give in. They shouted, and {trouble}.",
        ),
        (
            "Then {friend} sat in one corner and {hero} in the other, and nobody had fun.",
            '{friend} turned to go home. {hero} did not want to be alone. "Please stay," {he} said.',
        ),
    ),
    (
        (
            '"I know," said {hero}. "We can {plan}." {friend} liked the idea.',
            '{elder} asked, "What if you {plan}?" {hero} and {friend} looked at each other and nodded.',
        ),
        (
            "So that is what they did, and it was twice as much fun.",
            "It worked. Soon the quarrel was forgotten, and both of them were laughing.",
        ),
    ),
)

RESCUE = Plot(
    casts(
        "creature|hurt|bed|food|leave",
        "bird|could not fly|a shoe box|some seeds|flew up into the sky",
        "butterfly|had a wet wing|a soft leaf|a drop of honey|fluttered over the fence",
        "frog|was stuck in a jar|a bowl of water|a tiny worm|hopped into the pond",
        "turtle|lay on its back|a bed of moss|a leaf of lettuce|walked slowly to the river",
        "beetle|had fallen into a pail|a dry sponge|a slice of apple|crawled into the grass",
    ),
    (
        (
            "{day}, {hero} and {friend} were walking home when they heard a small sound.",
            "{day}, {hero} and {friend} were looking for pretty stones. Suddenly {hero} stopped.",
        ),
        (
            "There was a little {creature} that {hurt}. It looked up and did not move.",
            'It was a {creature}, and it {hurt}. "Oh, you poor thing," said {hero}.',
        ),
        (
            '{hero} did not know what to do. "We have to help it," said {friend}.',
            '{friend} was afraid to touch it. "We have to be very gentle," said {hero}.',
        ),
        (
            "Together they carried it home and made {bed} ready for it. {elder} brought {food}.",
            '"Put it in {bed}," said {elder}, "and give it {food}." They did so and waited.',
        ),
    ),
    (
        (
            "Every hour {hero} looked after the {creature}. The next morning it was strong again.",
            "All night the {creature} rested. When the sun came up, it was well.",
        ),
        (
            '{hero} opened the door, and the {creature} {leave}. "Goodbye, little one," said {hero}.',
            "They took it outside, and it {leave}. {hero} was a bit sad, but mostly glad.",
        ),
    ),
)

LEARNING = Plot(
    casts(
        "skill|fail|hint|win",
        "ride a bike|fell into the grass|look straight ahead|rode all the way to the gate",
        "whistle|only blew air|make your lips round|whistled a whole tune",
        "skate|slipped and sat down on the ice|bend your knees|glided across the pond",
        "skip rope|got tangled in the rope|listen to the beat|skipped twenty times",
        "swim|swallowed a lot of water|kick like a frog|swam to the little island",
        "juggle|dropped all the apples|start with only two|kept three apples in the air",
    ),
    (
        (
            "More than anything, {hero} wanted to {skill}. {friend} could do it already.",
            "{friend} and the others could {skill}, but {hero} could not. It made {him} sad.",
        ),
        (
            "{day}, {he} tried for the first time, and {fail}.",
            '{day}, {hero} said, "Today I will {skill}." {He} tried, and {fail}.',
        ),
        (
            '{He} tried again and {fail} once more. "I will never learn it," {he} said.',
            "The second time was no better. {hero} wanted to go home and never try again.",
        ),
        (
            '"It took me a long time too," said {friend}. "Try this: {hint}."',
            '{elder} had watched and said kindly, "You have to {hint}. And do not give up."',
        ),
    ),
    (
        (
            "So {hero} practised every day, in sun and in rain. {friend} came along and cheered.",
            "{hero} nodded and tried it that way, again and again, until the sun was low.",
        ),
        (
            "And then, all at once, it worked! {hero} {win}. Everyone clapped.",
            'At last {he} {win}. "Look at me!" shouted {hero}, and {elder} was very proud.',
        ),
    ),
)

PLOTS_OF_FEELINGS = (AFRAID, SHARING, RESCUE, LEARNING)
