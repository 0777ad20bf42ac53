//! Every way in which a step can turn out, one after the other.

/// The answers of the world to one step. The first time every answer is the first, good one; [`Choices::next`] goes on to
/// the other ways, until there is none left.
#[derive(Default)]
pub struct Choices {
    path: Vec<(usize, usize)>,
    taken: usize,
    pub words: Vec<String>,
}

impl Choices {
    /// One of several answers.
    pub fn of<T: Clone + std::fmt::Debug>(&mut self, answers: &[T]) -> T {
        if self.taken == self.path.len() {
            self.path.push((0, answers.len()));
        }
        let (choice, _) = self.path[self.taken];
        self.taken += 1;
        let answer = answers[choice].clone();
        self.words.push(format!("{answer:?}"));
        answer
    }

    /// The next way; false if all were tried.
    pub fn next(&mut self) -> bool {
        self.taken = 0;
        self.words.clear();
        while let Some((choice, answers)) = self.path.pop() {
            if choice + 1 < answers {
                self.path.push((choice + 1, answers));
                return true;
            }
        }
        false
    }
}
