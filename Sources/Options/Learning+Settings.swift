package import Learning
package import Settings

extension MatchLearner.Options {
    /// How is learned, after the settings.
    package init(_ settings: Settings) {
        self.init(
            errorBound: settings.matching.errorBound, floor: 0.5, queueLimit: 1024, populationLimit: 128, uncheckedLimit: 64,
            saveInterval: settings.store.flushInterval, noiseSample: settings.matching.noiseSample, earlyRepeats: 24, earlyShare: 0.05,
            dailyRepeats: settings.matching.calibrationCalls, verifierDeadline: .milliseconds(100))
    }
}

extension AnswerJudge.Options {
    /// Whom the judge may ask, after the settings.
    package init(_ settings: Settings.Judge) {
        self.init(model: settings.model, dailyCalls: settings.dailyCalls)
    }
}
