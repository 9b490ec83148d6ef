import Options
import Proxy
import Settings

// What a proxy that was given no file runs with: tests begin with it, and say so where they need another value.

extension PipelineOptions {
    static var shipped: Self { Self(.shipped) }
}

extension MatchLearner.Options {
    static var shipped: Self { Self(Settings()) }
}

extension AnswerJudge.Options {
    static var shipped: Self { Self(Settings.Judge()) }
}

extension CacheLimits {
    /// No limits but those that a test names: what ships is more than a test fills.
    static func only(
        entries: Int, memoryBytes: Int = .max, diskBytes: Int = .max, staleWindow: Duration = .zero, keepsAnswersOnDisk: Bool = false
    ) -> Self {
        Self(
            entries: entries, memoryBytes: memoryBytes, diskBytes: diskBytes, staleWindow: staleWindow, keepsAnswersOnDisk: keepsAnswersOnDisk)
    }
}
