extension MatchLearner {
    /// How is learned.
    package struct Options: Sendable {
        /// The error bound for the traffic as a whole at the start, in 0...1.
        package var errorBound: Double
        /// The candidates' least similarity.
        package var floor: Float
        /// Comparisons that may wait; more are dropped and counted.
        package var queueLimit: Int
        /// Populations held; the one not used for longest is forgotten first.
        package var populationLimit: Int
        /// How often an answer may be served by meaning, be it to one wording or to many, before it is compared with a fresh one. Keeps the evidence
        /// fresh; how far one entry may spread is for ``WordingCap``, which counts distinct wordings.
        package var uncheckedLimit: Int
        /// The longest wait before what was learned is kept.
        package var saveInterval: Duration
        /// The share of exact hits that is forwarded all the same, for measuring how often the judge calls equal questions' answers different.
        package var noiseSample: Double
        /// So many exact hits of each kind of traffic are forwarded in the beginning, one in ``earlyShare``: what the model says twice to one prompt is what
        /// "the same" looks like there. No more calls than these are spent on it, ``noiseSample`` aside.
        package var earlyRepeats: Int
        package var earlyShare: Double
        /// The most exact hits that are forwarded for that in a day (UTC).
        package var dailyRepeats: Int
        /// How long the verifier may take on a request's path.
        package var verifierDeadline: Duration

        package init(
            errorBound: Double, floor: Float, queueLimit: Int, populationLimit: Int, uncheckedLimit: Int, saveInterval: Duration, noiseSample: Double,
            earlyRepeats: Int, earlyShare: Double, dailyRepeats: Int, verifierDeadline: Duration
        ) {
            self.errorBound = errorBound
            self.floor = floor
            self.queueLimit = queueLimit
            self.populationLimit = populationLimit
            self.uncheckedLimit = uncheckedLimit
            self.saveInterval = saveInterval
            self.noiseSample = noiseSample
            self.earlyRepeats = earlyRepeats
            self.earlyShare = earlyShare
            self.dailyRepeats = dailyRepeats
            self.verifierDeadline = verifierDeadline
        }
    }
}
