"""The 200 sentences whose vectors are compared with the float32 reference: prompts as people write them, short and long."""

TOPICS = [
    "a savings account", "the French Revolution", "a PostgreSQL index", "sourdough bread", "photosynthesis", "a noisy bicycle chain",
    "Kubernetes liveness probes", "the offside rule", "a lease contract", "quantum entanglement", "my cat's diet", "TLS certificates",
    "the Krebs cycle", "a mortgage with a variable rate", "Rust's borrow checker", "the price of copper",
]

QUESTIONS = [
    "What is {}?",
    "Explain {} to a ten-year-old.",
    "how does {} work",
    "Give me three common mistakes people make with {}, and how to avoid them.",
    "Why does {} matter?",
    "Write a short, friendly e-mail to a colleague who asked about {}; mention that we can talk on Thursday at 3 pm.",
    "Compare {} with the closest alternative you know. Use a table with the columns cost, effort and risk.",
    "Is {} still relevant in 2024?",
    "Summarise what experts disagree on about {} in two sentences.",
    "I read two articles about {} yesterday and they contradict each other. The first says that nothing has changed for decades, "
    "the second that everything is new. Which of the two is right, what evidence would settle it, and what would you read first?",
]

OTHERS = [
    "Hello", "thanks!", "yes", "2 + 2", "What time is it in Tokyo when it is 09:30 in Lisbon?", "Convert 72 °F to Celsius.",
    "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)  # why is this slow?",
    "SELECT name, COUNT(*) FROM orders GROUP BY name HAVING COUNT(*) > 5;",
    "Translate 'Where is the train station?' into Spanish.", "¿Dónde está la biblioteca más cercana?", "Wie spät ist es in München?",
    "Quelle est la capitale de l'Australie ?", "日本の首都はどこですか", "北京今天的天气怎么样？", "Какая столица у Франции?", "ما هي عاصمة مصر؟",
    "O que é aprendizado de máquina?", "भारत की राजधानी क्या है?", "My order #48213 has not arrived. Where is it?",
    "My order #48214 has not arrived. Where is it?", "Cancel my subscription", "Do not cancel my subscription",
    "the the the the the the the the", "😀 what does this emoji mean?", "Fix the typo: teh quick brwon fox jmups over teh lazy dog",
    "Rate limits: 429 Too Many Requests. How long should a client wait before it asks again, and should the wait grow?",
    "TypeError: cannot read properties of undefined (reading 'map') at App (src/App.jsx:12:23)",
    "List the planets by mass, heaviest first.", "List the planets by mass, lightest first.", "Who wrote 'The Left Hand of Darkness'?",
    "Draft a polite refusal of a meeting invitation.", "What's the difference between affect and effect?", "capital of Mongolia",
    "How do I reset my password?", "I forgot my password, what can I do?", "best way to learn to play the piano as an adult",
    "A train leaves at 14:05 and arrives at 16:50. How long is the journey?", "Can dogs eat grapes?", "Can dogs not eat grapes?",
    "Plan a four-day trip to Lisbon for two adults and a child of five. We like trams, food markets and the sea, we do not like museums, "
    "we have 900 euros for everything but the flights, and we arrive late on a Wednesday evening. " * 3,
]

SENTENCES = [question.format(topic) for topic in TOPICS for question in QUESTIONS] + OTHERS
assert len(SENTENCES) == 200 and len(set(SENTENCES)) == 200, len(SENTENCES)
