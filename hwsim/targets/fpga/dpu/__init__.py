"""The DPU overlay (DPUCZDX8G) of Zynq devices: INT8 image networks on 1 to 4 cores."""
