/// Pairs of prompts for one guard: traps must fire, rewordings must not.
struct Wordings {
    typealias Pair = (String, String)
    let traps: [Pair]
    let rewordings: [Pair]

    static let numbers = Wordings(
        traps: [
            ("Where is order 48213?", "Where is order 48231?"),
            ("Is 5 km far?", "Is 5 miles far?"),
            ("Can I take 2 tablets?", "Can I take 12 tablets?"),
            ("Is -5°C cold?", "Is 5°C cold?"),
            ("What is 15% of 200?", "What is 50% of 200?"),
            ("convert 100 usd to gbp", "convert 1000 usd to gbp"),
            ("convert $100 to yen", "convert £100 to yen"),
            ("remind me at 7am", "remind me at 7pm"),
            ("remind me at 7:15", "remind me at 7:50"),
            ("is python 3.10 supported", "is python 3.1 supported"),
            ("what changed in v3.10.2", "what changed in v3.10.3"),
            ("status of ticket A-1234", "status of ticket B-1234"),
            ("what does 0xFF mean", "what does 0xFE mean"),
            ("are you open on Saturday", "are you open on Sunday"),
            ("bill for January", "bill for June"),
            ("events in may", "events in march"),
            ("what happened on 2024-05-01", "what happened on 2024-05-02"),
            ("tax year 2024/25", "tax year 2025/26"),
            ("the third chapter", "the fourth chapter"),
            ("calories in one egg", "calories in three eggs"),
            ("population of twenty one towns", "population of twenty two towns"),
            ("GPT-4 context size", "GPT-5 context size"),
            ("the 3rd floor", "the 5th floor"),
            ("price of 10GB", "price of 100GB"),
            ("loan of 2 million euros", "loan of 2 billion euros"),
            ("هل الرقم ٤٥ صحيح", "هل الرقم ٥٤ صحيح"),
            ("3天够吗", "5天够吗"),
            ("what is error 404", "what is an error"),
            ("what is 2 plus 2 plus 3", "what is 2 plus 3 plus 3"),
            ("divide 8 by 4", "divide 4 by 8"),
            ("a ratio of 2 to 3", "a ratio of 3 to 2"),
            ("from 3 km to 5 km", "from 5 km to 3 km"),
            ("question 1 2 0", "question 1 0 2"),
        ],
        rewordings: [
            ("a 2-year fixed mortgage", "two-year fixes"),
            ("What's 15% of 200?", "fifteen percent of 200"),
            ("remind me at 7am", "Set a reminder for seven in the morning"),
            ("remind me at 7 pm", "remind me at 19:00"),
            ("see you at 7 a.m.", "see you at 7am"),
            ("an appointment at 3pm tomorrow", "is 3 o'clock tomorrow afternoon free"),
            ("after 2 weeks", "after 14 days"),
            ("run 5km", "run 5 kilometres"),
            ("I have 1,000 users", "I have 1000 users"),
            ("£1,500.00 deposit", "deposit of 1500 pounds"),
            ("5k", "5000"),
            ("two hundred and five", "205"),
            ("twenty-one days", "21 days"),
            ("May 1st 2024", "2024-05-01"),
            ("covid-19 rules", "covid rules"),
            ("turn off 2FA", "turn off two-factor authentication"),
            ("quick one: how do I pay", "how do I pay"),
            ("1 gallon of milk", "a gallon of milk"),
            ("GPT-4 price", "gpt 4 price"),
            ("what may I bring", "what can I bring"),
            ("open on Mondays", "open on Mondys"),
            ("the first page of it", "page of it"),
            ("１５ items", "15 items"),
        ])

    static let signs = Wordings(
        traps: [
            ("what is 2+3", "what is 2-3"), ("what is a+b", "what is a-b"), ("what is 2×3", "what is 2÷3"), ("what is 2 × 3", "what is 2 ÷ 3"),
            ("if x ≥ 3", "if x ≤ 3"), ("what is √2", "what is 2"), ("what is 5!", "what is 5"), ("meaning of ♂", "meaning of ♀"),
            ("the ♥ card", "the ♠ card"), ("H₂O mass", "H₃O mass"), ("root of x²", "root of x³"), ("½ cup of oil", "¼ cup of oil"),
            ("is A ∩ B empty", "is A ∪ B empty"), ("meaning of →", "meaning of ←"), ("C♯ on a piano", "C♭ on a piano"), ("!ready in C", "ready in C"),
            ("What does 🥑 mean?", "What does 🍆 mean?"), ("reply to 👍🏽", "reply to 👎🏽"), ("A ∩ B ∪ C", "A ∪ B ∩ C"), ("5+ years", "5 years"),
            ("what is 4*2", "what is 4 2"),
        ],
        rewordings: [
            ("what is 2+3", "what is 2 plus 3"), ("what is 2 × 3", "what is 2 times 3"), ("x² of a number", "x squared of a number"),
            ("thanks 😊 where is my order", "where is my order"), ("the Swift™ language", "the Swift language"), ("I ❤️ it, why", "I ❤ it, why"),
            ("a well-known fact", "a well known fact"), ("tea and/or coffee", "tea or coffee"), ("a **bold** claim", "a bold claim"),
            ("is it open 24/7", "is it open 24/7?"), ("~5 miles away", "about 5 miles away"), ("1-2 days", "1-2 days"),
        ])

    static let polarity = Wordings(
        traps: [
            ("Which plans include calls?", "Which plans don't include calls?"),
            ("Is the deposit refundable?", "Is the deposit non-refundable?"),
            ("Should I water succulents in winter?", "Should I stop watering succulents in winter?"),
            ("how do I turn on the light", "how do I turn off the light"),
            ("how do I turn the hall light on", "how do I turn the hall light off"),
            ("is this medicine suitable", "is this medicine unsuitable"),
            ("lock my card", "unlock my card"),
            ("a careful driver", "a careless driver"),
            ("is it legal", "is it illegal"),
            ("is it possible", "is it impossible"),
            ("is this regular", "is this irregular"),
            ("can I cant sign it", "can I sign it"),
            ("tax if I'm employed", "tax if I'm self-employed"),
            ("travel with a visa", "travel without a visa"),
            ("turn on 2FA", "turn off 2FA on my phone"),
        ],
        rewordings: [
            ("I'm not happy with it, close my account", "I'm unhappy with it, close my account"),
            ("the rate was not correct", "the rate was incorrect"),
            ("Could not complete the transfer", "Unable to complete the transfer"),
            ("I cannot remember my PIN", "I forgot my PIN"),
            ("I don't know how to top up", "how to top up"),
            ("On my phone, how do I set up voicemail?", "How do I set up voicemail on my phone?"),
            ("What's not included in the price?", "Are there any extra costs on top of the price?"),
            ("Why won't my laptop connect?", "Why doesn't my laptop connect?"),
            ("convert it to a string", "convert it into a string"),
            ("fill in the form", "fill in the form and inform me"),
            ("has it been approved or not", "has it been approved"),
        ])

    static let code = Wordings(
        traps: [
            ("what does `git push --force` do", "what does `git push` do"),
            ("explain tar -x", "explain tar -c"),
            ("rename foo_bar", "rename foo_baz"),
            ("what is camelCase", "what is snake_case"),
            ("open src/main.swift", "open src/test.swift"),
            ("what does a == b do", "what does a != b do"),
            ("is C++ hard", "is C# hard"),
            ("fetch https://example.com/a", "fetch https://example.com/b"),
            ("write to jo@example.com", "write to al@example.com"),
            ("translate 'good night' to French", "translate 'good morning' to French"),
            ("fix this\n```\nlet a = 1\n```", "fix this\n```\nlet a = 2\n```"),
            ("what is \"foo bar\"", "what is \"bar foo\""),
            ("delete /etc/hosts", "delete /etc/passwd"),
            ("explain ls -l", "explain ls"),
        ],
        rewordings: [
            ("what does the `splits` parameter do", "what does the splits argument do"),
            ("call `foo_bar()`", "call foo_bar"),
            ("Translate 'I am hungry' to Italian", "how do you say \"i am hungry\" in italian"),
            ("pay with PayPal", "is paypal accepted"),
            ("what is and/or", "what is and / or"),
            ("residents' parking and owners' parking", "residents parking and owners parking"),
            ("don't you think it isn't fine", "do you not think it is not fine"),
            ("is main.py needed?", "do I need main.py"),
            ("list e.g. fruit", "list fruit"),
            ("which APIs are there", "which APIs exist"),
        ])

    static let language = Wordings(
        traps: [
            ("how are you", "как дела"),
            ("what is the weather", "今天天气怎么样"),
            ("how do I cancel my order", "wie kann ich meine Bestellung stornieren"),
            ("where is the station", "où est la gare et le train"),
            ("東京はどこですか", "东京在什么地方"),
        ],
        rewordings: [
            ("how do I cancel", "how can I cancel my order"),
            ("wie kann ich das stornieren", "wie storniere ich die Bestellung"),
            ("café de la paix", "cafe de la paix"),
            ("order pizza", "pizza order"),
        ])

    static let names = Wordings(
        traps: [
            ("solve this for x", "solve this for y"), ("foods with vitamin c", "foods with vitamin k"),
            ("Does the Zorblat support charging?", "Does the Quimby support charging?"),
            ("What is Mary's number?", "What is Mark's number?"),
            ("Where is my parcel from Zorbex?", "Where is my parcel?"),
            ("Does the Zorblat support charging?", "does the quimby support charging"),
            ("price in the US", "price in the NL"),
            ("what does 你好 mean", "what does 谢谢 mean"),
        ],
        rewordings: [
            ("Do you accept Apple Pay?", "Do You Accept Apple Pay?"),
            ("Who is the CEO of Zorbex?", "who is the ceo of zorbex"),
            ("Austria's capital city is what?", "What's the capital of Austria?"),
            ("hi, Translate it", "translate it"),
            ("what does HTTP 405 mean", "I get a 405 error, what is it?"),
            ("HOW DO I PAY", "how do I pay"),
            ("Is it OK to pay", "can I pay"),
            ("What's Zorbex's price?", "What is the price of Zorbex?"),
        ])

    static let kinds = Wordings(
        traps: [
            ("capital of Iran", "capital of Iraq"),
            ("capital of iran", "capital of iraq"),
            ("symptoms of flu", "symptoms of flu in babies"),
            ("what vaccines does my puppy need", "what vaccines does my kitten need"),
            ("when is the game", "where is the game"),
        ],
        rewordings: [
            ("what does my child need", "what does a kid need"),
            ("drinking age in the US", "drinking age in America"),
            ("the capital of Turkey", "the capital of turkey"),
            ("symptoms of flu in babies", "how can I tell if my baby has the flu"),
            ("tell us the price", "tell me the price"),
        ])

    static let order = Wordings(
        traps: [
            ("Can I sue my employer?", "Can my employer sue me?"), ("Who reports to the manager?", "Whom does the manager report to?"),
            ("Which companies did Google acquire?", "Which companies acquired Google?"), ("show messages sent by me", "show messages sent to me"),
            ("transfer money to savings", "transfer money from savings"), ("a letter for my boss", "a letter by my boss"),
            ("flights from Paris to Rome", "flights from Rome to Paris"),
            ("convert usd to eur", "convert eur to usd"),
            ("is Rust better than Go", "is Go better than Rust"),
            ("did Brazil beat Germany", "did Germany beat Brazil"),
            ("move money from Premium Bonds into my bank", "put some money of my bank into Premium Bonds"),
            ("a dog chases a cat", "a cat chases a dog"),
        ],
        rewordings: [
            ("How do I sort a list in Python?", "What is the best way to sort a Python list?"),
            ("from berlin to rome by train", "by train to rome from berlin"), ("Where is the Google office?", "Where is the office of Google?"),
            ("flights from Paris to Rome", "flights to Rome from Paris"),
            ("difference between REST and GraphQL", "difference between GraphQL and REST"),
            ("On my phone, how do I set up voicemail?", "How do I set up voicemail on my phone?"),
            ("change voice to female", "change to female voice"),
            ("switch to male british accent", "switch to british male accent"),
            ("order a new card to China", "order a new card while in China"),
            ("Rust vs Swift", "Swift vs Rust"),
        ])

    static let replacedWord = Wordings(
        traps: [
            ("does the hotel have a pool", "does the hotel have a gym"),
            ("how do I cook rice", "how do I cook quinoa"),
            ("what is the refund time", "what is the refund fee"),
        ],
        rewordings: [
            ("how do I buy a ticket", "how do I purchase a ticket"),
            ("update my address", "update my adress"),
            ("hi, how do I cook rice", "how do I cook rice please"),
            ("what are the refunds", "what is the refund"),
            ("cook rice in a pot", "prepare rice using some pot"),
        ])

    /// Every prompt of every table.
    static let allPrompts: [String] = [numbers, signs, polarity, code, language, names, kinds, order, replacedWord].flatMap { table in
        (table.traps + table.rewordings).flatMap { [$0.0, $0.1] }
    }

    static let allPairs: [Pair] = [numbers, signs, polarity, code, language, names, kinds, order, replacedWord].flatMap { $0.traps + $0.rewordings }
}
