import Synchronization

/// What one model, tenant or namespace asked for and was spared.
package final class Account: Sendable {
    enum Column: Int, CaseIterable {
        case exactHits
        case semanticHits
        case misses
        case stale
        case savedPromptTokens
        case savedCompletionTokens
        case savedNanodollars
        case spentPromptTokens
        case spentCompletionTokens
        case spentNanodollars
        /// What the cache itself spent on this account's behalf; taken off what it saved.
        case costNanodollars
    }

    /// A plain copy.
    package struct Figures: Sendable, Equatable {
        package let exactHits, semanticHits, misses, stale: Int
        package let savedPromptTokens, savedCompletionTokens: Int
        package let spentPromptTokens, spentCompletionTokens: Int
        package let saved, spent, cost: Money

        package var hits: Int { exactHits + semanticHits }
        package var requests: Int { hits + misses + stale }
        /// What is left of the saving when the cache's own spending is taken off.
        package var net: Money { saved - cost }
    }

    /// What all late-comers are counted under.
    static let otherName = "other"

    /// The name with which it is shown.
    package let name: String
    /// `name` as a label's value in the Prometheus format, quotes included; made once because a scrape writes it many times.
    let label: [UInt8]
    /// The model's price; `nil` when it is not known, or where the account is no model's.
    let price: ModelPrice?
    private let cells = AtomicCounters(Column.allCases.count)

    init(name: String, price: ModelPrice?) {
        self.name = name
        self.price = price
        label = Exposition.quoted(name)
    }

    func add(_ amount: Int = 1, to column: Column) { cells.add(amount, at: column.rawValue) }

    subscript(column: Column) -> Int { cells[column.rawValue] }

    package var figures: Figures {
        Figures(
            exactHits: self[.exactHits], semanticHits: self[.semanticHits], misses: self[.misses], stale: self[.stale],
            savedPromptTokens: self[.savedPromptTokens], savedCompletionTokens: self[.savedCompletionTokens],
            spentPromptTokens: self[.spentPromptTokens], spentCompletionTokens: self[.spentCompletionTokens],
            saved: Money(nanodollars: self[.savedNanodollars]), spent: Money(nanodollars: self[.spentNanodollars]),
            cost: Money(nanodollars: self[.costNanodollars]))
    }
}

/// Accounts by name, at most `limit` of them and one more, `other`, for all that come later: hostile names cannot fill the memory, and the
/// number of time series stays bounded.
final class Accounts<Key: Hashable & Sendable>: Sendable {
    private let limit: Int
    private let accounts = Mutex<[Key: Account]>([:])
    private let make: @Sendable (Key) -> Account
    private let rest = Account(name: Account.otherName, price: nil)

    init(limit: Int, make: @escaping @Sendable (Key) -> Account) {
        self.limit = limit
        self.make = make
    }

    func account(_ key: Key) -> Account {
        accounts.withLock { accounts in
            if let account = accounts[key] { return account }
            guard accounts.count < limit else { return rest }
            let account = make(key)
            // A name of its own that is the late-comers' would be a second time series under the same label.
            guard account.name != rest.name else { return rest }
            accounts[key] = account
            return account
        }
    }

    /// All that were used, by name; `other` last and only where it was needed.
    var all: [Account] {
        let named = accounts.withLock { Array($0.values) }
        return named.sorted { $0.name < $1.name } + (rest.figures.requests > 0 ? [rest] : [])
    }
}
