using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace DbBackup.Engine.Platform;

/// <summary>Gives the C library the very bytes of a name; see <see cref="RawName"/>.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(In))]
internal static unsafe class RawNameMarshaller
{
    /// <summary>One argument of a call.</summary>
    internal ref struct In
    {
        private byte* _name;
        private bool _isAllocated;

        /// <summary>Most paths fit into it.</summary>
        public static int BufferSize => 512;

        /// <summary>Takes the name.</summary>
        public void FromManaged(string? name, Span<byte> buffer)
        {
            if (name is null)
                return;
            int room = (name.Length * 3) + 1;
            if (room > buffer.Length)
            {
                _name = (byte*)NativeMemory.Alloc((nuint)room);
                _isAllocated = true;
                buffer = new Span<byte>(_name, room);
            }
            else
            {
                // The buffer is on the stack of the caller.
                _name = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
            }

            buffer[RawName.Encode(name, buffer)] = 0;
        }

        /// <summary>The name with a zero byte after it.</summary>
        public readonly byte* ToUnmanaged() => _name;

        /// <summary>Ends the use of the name.</summary>
        public readonly void Free()
        {
            if (_isAllocated)
                NativeMemory.Free(_name);
        }
    }
}
