--- The version of the library and of the command, in a file of its own: `hoopai --version` loads no more than this.
return "0.11.0"
