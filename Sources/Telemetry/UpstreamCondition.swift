package import SemanticCache

/// What is the matter with an upstream at one moment.
package struct UpstreamCondition: Sendable, Equatable {
    package let circuit: CircuitCondition
    /// Calls that are out, and calls that wait for their turn.
    package let active, waiting: Int

    package init(circuit: CircuitCondition, active: Int, waiting: Int) {
        self.circuit = circuit
        self.active = active
        self.waiting = waiting
    }
}
