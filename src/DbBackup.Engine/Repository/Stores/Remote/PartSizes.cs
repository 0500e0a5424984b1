namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>
/// How large the parts of an upload are, and how many are under way at once. An upload does not know how long it gets and has 10,000 parts at
/// most (S3), so later parts are larger; and fewer of them are under way, so that memory stays bounded.
/// </summary>
internal sealed record PartSizes(int First = 8 << 20, int Budget = 40 << 20)
{
    private static readonly (int UpTo, int Factor)[] s_steps = [(1000, 1), (2000, 2), (4000, 4), (int.MaxValue, 8)];

    /// <summary>The bytes of a part, from number 1. With the usual first size, 10,000 parts hold 472 GiB.</summary>
    public int SizeOf(int number) => First * s_steps.First(step => number <= step.UpTo).Factor;

    /// <summary>How many parts may be under way while one of a number is filled.</summary>
    public int AtOnce(int number) => Math.Clamp(Budget / SizeOf(number), 1, 8);
}
