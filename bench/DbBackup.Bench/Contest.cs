namespace DbBackup.Bench;

/// <summary>Contenders that take turns: each round runs all of them once, so that a change of the machine's mood meets all of them.</summary>
internal sealed class Contest(BenchRun bench)
{
    private readonly List<(Series Series, Action? Prepare, Func<double> Run, Func<long>? Size)> _contenders = [];

    /// <summary>Whether the present round counts; for contenders that give more than one time.</summary>
    public bool IsCounted { get; private set; }

    /// <summary>Adds a contender.</summary>
    /// <param name="series">Where its times go.</param>
    /// <param name="run">Runs it once and gives the seconds.</param>
    /// <param name="prepare">What comes before it and is not timed.</param>
    /// <param name="size">The bytes of its result.</param>
    public void Add(Series series, Func<double> run, Action? prepare = null, Func<long>? size = null) =>
        _contenders.Add((series, prepare, run, size));

    /// <summary>Runs one uncounted round and then the counted ones, and gives the contenders in the order in which they were added.</summary>
    /// <param name="keep">What stays in the work folder between two contenders.</param>
    public IReadOnlyList<Series> Run(params string[] keep)
    {
        for (int round = 0; round <= bench.Options.Rounds; round++)
        {
            IsCounted = round > 0;
            for (int turn = 0; turn < _contenders.Count; turn++)
            {
                // Another one begins each time, so that nobody always runs after the same neighbour.
                (Series series, Action? prepare, Func<double> run, Func<long>? size) = _contenders[(turn + round) % _contenders.Count];
                bench.Clean(keep);
                prepare?.Invoke();
                double seconds = run();
                if (IsCounted)
                    series.Add(seconds);
                if (size is not null)
                    series.ResultBytes = size();
            }
        }

        bench.Clean(keep);
        return [.. _contenders.Select(contender => contender.Series)];
    }
}
