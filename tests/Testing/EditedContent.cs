using System.Runtime.InteropServices;

namespace DbBackup.Testing;

/// <summary>Content as a database or an archive has it, and what happens to it between two backups.</summary>
internal static class EditedContent
{
    /// <summary>Rows between bytes that do not compress, as in the pages of a database.</summary>
    public static byte[] Create(Random random, int size)
    {
        byte[] bytes = new byte[size];
        random.NextBytes(bytes);
        byte[] text = PayloadSample.Text(Math.Min(size, 1 << 18));
        for (int offset = 0; offset < size; offset += 4096)
        {
            int count = Math.Min(random.Next(1, 3500), Math.Min(size - offset, text.Length));
            text.AsSpan(random.Next(text.Length - count + 1), count).CopyTo(bytes.AsSpan(offset));
        }

        return bytes;
    }

    /// <summary>Inserts, deletes, overwrites, moves, repeats, empties, cuts and grows parts.</summary>
    /// <param name="content">The content, which stays.</param>
    /// <param name="random">What decides.</param>
    /// <param name="scale">The usual size of a large part: that of a block.</param>
    /// <param name="edits">How many edits there are.</param>
    public static byte[] Edit(byte[] content, Random random, int scale, int edits)
    {
        List<byte> bytes = [.. content];
        for (int edit = 0; edit < edits; edit++)
        {
            int at = random.Next(bytes.Count + 1);
            // Mostly a row or a page, sometimes more than a block.
            int size = random.Next(3) == 0 ? random.Next(1, 3 * scale) : random.Next(1, 5000);
            int count = Math.Min(size, bytes.Count - at);
            switch (random.Next(9))
            {
                case 0:
                    bytes.InsertRange(at, Noise(random, size));
                    break;
                case 1:
                    bytes.RemoveRange(at, count);
                    break;
                case 2:
                    Overwrite(bytes, at, Noise(random, count));
                    break;
                case 3:
                    Move(bytes, at, count, random);
                    break;
                case 4:
                    bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, count));
                    break;
                case 5:
                    Overwrite(bytes, at, new byte[count]);
                    break;
                case 6:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 7:
                    bytes.AddRange(Noise(random, size));
                    break;
                default:
                    // A page of a database: it stays where it is, and a part of it changes.
                    int page = at / 4096 * 4096;
                    Overwrite(bytes, page, Noise(random, Math.Min(random.Next(1, 200), bytes.Count - page)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static void Move(List<byte> bytes, int at, int count, Random random)
    {
        List<byte> moved = bytes.GetRange(at, count);
        bytes.RemoveRange(at, count);
        bytes.InsertRange(random.Next(bytes.Count + 1), moved);
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] with) => with.CopyTo(CollectionsMarshal.AsSpan(bytes)[at..]);

    private static byte[] Noise(Random random, int size)
    {
        byte[] bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }
}
