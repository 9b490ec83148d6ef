import Learning
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
